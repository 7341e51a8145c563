"""What differs between two versions of a pipeline's code. Pure."""

import difflib
from collections.abc import Iterator, Sequence

from gristmill.code.digest import CodeFile
from gristmill.humanize import size


def differences(before: Sequence[CodeFile], after: Sequence[CodeFile], names: tuple[str, str]) -> Iterator[str]:
    """Yield the lines of a unified diff; of files that are no text, that they differ."""
    old, new = ({file.path: file for file in files} for files in (before, after))
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            yield from _difference(path, old.get(path), new.get(path), names)


def _difference(path: str, old: CodeFile | None, new: CodeFile | None, names: tuple[str, str]) -> Iterator[str]:
    if old and new and old.executable != new.executable:
        yield f"{path}: {'executable' if new.executable else 'not executable'} in {names[1]}"
    before, after = _lines(old), _lines(new)
    if before is None or after is None:
        yield f"{path}: not text, {_size(old)} in {names[0]}, {_size(new)} in {names[1]}"
        return
    left, right = (f"{name}/{path}" if file else "/dev/null" for name, file in zip(names, (old, new), strict=True))
    yield from (line.rstrip("\n") for line in difflib.unified_diff(before, after, left, right, lineterm=""))


def _size(file: CodeFile | None) -> str:
    return size(len(file.content)) if file else "absent"


def _lines(file: CodeFile | None) -> list[str] | None:
    """Return a file's lines, none of a file that there is not; None where it is no text."""
    if file is None:
        return []
    try:
        text = file.content.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text.splitlines(keepends=True)
