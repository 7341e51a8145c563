"""Of which git commit the files of a folder are, and whether they are those of the commit."""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gristmill.code.digest import CodeFile

_SECONDS = 30
_EXECUTABLE, _PLAIN = "100755", "100644"


def commit_of(folder: Path, files: Sequence[CodeFile]) -> tuple[str | None, bool]:
    """Return the commit that a folder stands at (None: no repository), and whether the files differ from it.

    Contents are compared, not times: git looks at nothing of the folder, and runs nothing that it configures.
    """
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return None, False
    kind = _git(folder, "rev-parse", "--show-object-format") or "sha1"
    committed = dict(map(_parse, (_git(folder, "ls-tree", "-r", "-z", "HEAD") or "").split("\0")[:-1]))
    here = {
        file.path: (_EXECUTABLE if file.executable else _PLAIN, _blob(file.content, kind.strip())) for file in files
    }
    hidden = {path for path in committed if any(part.startswith(".") for part in path.split("/"))}
    return commit.strip(), here != {path: held for path, held in committed.items() if path not in hidden}


def _git(folder: Path, *words: str) -> str | None:
    """Return what git prints, None where it fails or is not here."""
    command = ["git", "-C", str(folder), *words]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return ended.stdout.decode(errors="replace")


def _parse(line: str) -> tuple[str, tuple[str, str]]:
    facts, _, path = line.partition("\t")
    mode, _, blob = facts.split(" ")
    return path, (mode, blob)


def _blob(content: bytes, kind: str) -> str:
    return hashlib.new(kind, b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()
