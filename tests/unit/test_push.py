"""Versions of a pipeline: numbers, the pointer, deletion; whatever anybody else does between any two requests."""

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gristmill import keys
from gristmill.client.push.compare import differences
from gristmill.client.push.deletion import versions_named
from gristmill.client.push.git import commit_of
from gristmill.client.push.imports import outside
from gristmill.code.digest import CodeFile, digest_of, read_folder
from gristmill.code.push import Code, keep, look, move, remove, source_of
from gristmill.code.pushed import Pusher, find_pushed, read_code, read_version, read_versions, resolve_version
from gristmill.errors import Corrupt, NotFound, Refused
from gristmill.pipeline.loading import names
from gristmill.runs.code import Code as RunCode
from gristmill.runs.records import CONTRACT, InputObject, RunRecord
from gristmill.storage.folder import FolderStorage
from tests.project import PROJECT

ANN, BEN = (Pusher(name=name, identity="arn", at=datetime(2026, 1, 2, tzinfo=UTC)) for name in ("ann", "ben"))


def code(text: str = "x = 1\n") -> Code:
    return Code("words", [CodeFile("jobs.py", False, text.encode())], None, False)


class Bucket(FolderStorage):
    """A bucket in which somebody else acts once, just before the request with a number."""

    before: int = -1
    act: Callable[["Bucket"], Any] = staticmethod(lambda _bucket: None)

    def _count(self) -> None:
        self.before -= 1
        if self.before == -1:
            self.act(self)

    def head(self, *given: Any, **named: Any) -> Any:
        self._count()
        return super().head(*given, **named)

    def list(self, *given: Any, **named: Any) -> Iterator[Any]:
        self._count()
        return super().list(*given, **named)


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    made = Bucket(tmp_path / "bucket", tmp_path / "none", "none")
    made.together = lambda work, items, _threads=1: [work(item) for item in items]  # a folder is no bucket for threads
    return made


def settled(bucket: Bucket) -> None:
    """Check what holds whatever happened: numbers are one's own, and every version that is not deleted has its code."""
    found = read_versions(bucket, "words")
    assert [version.number for version in found] == list(range(len(found), 0, -1))
    for version in found:
        if not version.deleted:
            assert digest_of(read_code(bucket, version)) == version.digest


def test_what_would_be_pushed_is_what_a_run_takes_once_it_is(bucket: Bucket):
    yaml = (PROJECT / "batch_jobs" / "strings" / "pipeline.yaml").read_bytes()
    lock = CodeFile("wheels.lock", False, b"# none\n")
    files = [
        lock,
        CodeFile("pipeline.yaml", False, yaml.replace(b"version: 1\n", b"version: 1\nlibraries: wheels.lock\n")),
    ]
    made = Code("strings", files, None, False, lock)
    version = keep(bucket, made, ANN)
    pushed = find_pushed(bucket, "strings", str(version.number))
    planned = source_of(made)
    assert pushed and pushed.code.lock
    assert pushed.pipeline == planned.pipeline
    assert pushed.archive == planned.archive
    assert pushed.code == planned.code.model_copy(update={"version": version.number})


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("theirs", ["x = 1\n", "x = 2\n"])
def test_two_pushes_at_once_get_a_number_each(bucket: Bucket, place: int, theirs: str):
    keep(bucket, code("x = 0\n"), ANN)
    bucket.before, bucket.act = place, lambda store: keep(store, code(theirs), BEN)
    mine = keep(bucket, code(), ANN)
    assert read_version(bucket, "words", mine.number) == mine
    assert mine.digest == code().digest
    assert len(read_versions(bucket, "words")) == 2 + (bucket.before < -1)
    settled(bucket)


@pytest.mark.parametrize("place", range(3))
def test_pointer_that_somebody_moved_meanwhile_stays_where_they_put_it(bucket: Bucket, place: int):
    first, second = keep(bucket, code(), ANN), keep(bucket, code("x = 2\n"), BEN)
    seen = look(bucket, "words")

    def theirs(store: Bucket) -> None:
        move(store, "words", look(store, "words"), second, BEN)

    if place == 0:
        theirs(bucket)
    else:
        bucket.before, bucket.act = place - 1, theirs
    if place == 2:  # they came after
        move(bucket, "words", seen, first, ANN)
        return
    with pytest.raises(Refused) as refused:
        move(bucket, "words", seen, first, ANN)
    assert str(refused.value) == (
        "current was moved by ben a moment ago, to version 2. "
        "Yours is version 1: to have runs take it, gristmill pipelines use words 1"
    )
    assert resolve_version(bucket, "words", None) == second


@pytest.mark.parametrize("place", range(12))
def test_code_that_is_pushed_while_it_is_deleted_stays(bucket: Bucket, place: int):
    version = keep(bucket, code(), ANN)
    bucket.before, bucket.act = place, lambda store: keep(store, code(), BEN)
    remove(bucket, version, ANN)
    settled(bucket)


@pytest.mark.parametrize("place", range(12))
def test_code_that_is_deleted_while_it_is_pushed_stays(bucket: Bucket, place: int):
    version = keep(bucket, code(), ANN)
    bucket.before, bucket.act = place, lambda store: remove(store, version, BEN)
    keep(bucket, code(), ANN)
    settled(bucket)


def test_version_is_named_by_number_digest_or_not_at_all(bucket: Bucket):
    assert resolve_version(bucket, "words", None) is None
    first, second = keep(bucket, code(), ANN, "first"), keep(bucket, code("x = 2\n"), BEN)
    assert resolve_version(bucket, "words", None) is None  # nobody has moved what runs take
    move(bucket, "words", look(bucket, "words"), second, BEN)
    assert resolve_version(bucket, "words", None) == second
    assert resolve_version(bucket, "words", "1") == resolve_version(bucket, "words", first.digest) == first
    assert resolve_version(bucket, "words", "built-in") is None
    for wrong in ("3", "0", "-1", "abc", "1" * 64, "../1", "٣"):
        with pytest.raises(NotFound, match="pipeline words has no version"):
            resolve_version(bucket, "words", wrong)


def test_deleted_version_is_refused_by_name_and_its_code_goes_with_the_last_that_has_it(bucket: Bucket):
    twins = [keep(bucket, code(), who) for who in (ANN, BEN)]
    place = keys.pushed_code("words", twins[0].digest)
    remove(bucket, twins[0], BEN)
    assert bucket.head(place)
    with pytest.raises(NotFound, match=r"version 1 of pipeline words was deleted by ben\."):
        resolve_version(bucket, "words", "1")
    remove(bucket, twins[1], BEN)
    assert bucket.head(place) is None
    assert [version.deleted.name for version in read_versions(bucket, "words") if version.deleted] == ["ben", "ben"]
    again = keep(bucket, code(), ANN)
    assert (again.number, resolve_version(bucket, "words", again.digest)) == (3, again)


def test_run_names_the_versions_of_all_its_generations(bucket: Bucket):
    def record(generation: int, version: int) -> bytes:
        made = RunRecord(
            contract=CONTRACT,
            run="r",
            execution="arn",
            claimed_at=ANN.at,
            owner="ann",
            dropped=keys.Dropped("words", "a"),
            input=InputObject(bucket="none", key="inputs/words/a", version=None, etag="", size=1, sequencer=""),
            pipeline=None,
            parameters={},
            code=RunCode(digest="a" * 64, sources="b" * 64, version=version, built_in=False),
            faults=[],
            generation=generation,
        )
        return made.model_dump_json().encode()

    assert versions_named(bucket, "r") == []
    bucket.put(keys.run_record("r"), record(2, 7))
    for generation, version in enumerate((3, 5)):
        bucket.put(keys.generation("r", generation), record(generation, version))
    assert versions_named(bucket, "r") == [("words", 7), ("words", 3), ("words", 5)]


def test_code_that_was_changed_or_removed_by_hand_is_not_read(bucket: Bucket):
    mine, other = keep(bucket, code(), ANN), keep(bucket, code("x = 2\n"), ANN)
    bucket.put(keys.pushed_code("words", mine.digest), bucket.read(keys.pushed_code("words", other.digest)))
    with pytest.raises(Corrupt, match="was changed: it is not the code of its name"):
        read_code(bucket, mine)
    bucket.delete(keys.pushed_code("words", mine.digest))
    with pytest.raises(NotFound, match="the code of version 1, is gone"):
        read_code(bucket, mine)


IMPORTS = {
    "import json, numpy.linalg": "",
    "import helper": "",
    "from . import helper": "",
    "from gristmill.task import Task": "",
    "import nowhere_to_be_found": "",  # the image may have it
    "import shared": "shared is imported from outside the folder (",
    "from shared.deep import x": "shared.deep is imported from outside the folder (",
    "from .. import shared": ".. is imported from outside the folder (above it)",
    "from ...far import x": "...far is imported from outside the folder (above it)",
    "import batch_jobs.strings": "batch_jobs.strings is imported from outside the folder (Gristmill's own code)",
    "def f():\n    import shared": "shared is imported from outside the folder (",
}


@pytest.mark.parametrize("statement", IMPORTS)
def test_imports_from_outside_are_found_with_their_place(tmp_path: Path, statement: str):
    folder = tmp_path / "mine"
    (folder / "sub").mkdir(parents=True)
    (folder / "helper.py").touch()
    (folder / "sub" / "deep.py").write_text("from .. import helper\nfrom .near import x\nimport near\n")
    (folder / "sub" / "near.py").touch()
    (folder / "notes.py").write_text("{% template %}")
    (tmp_path / "shared.py").touch()
    (folder / "jobs.py").write_text(f"'''Jobs.'''\n{statement}\n")
    found = outside(read_folder(folder), folder)
    line = 3 if statement.startswith("def") else 2
    wanted = IMPORTS[statement]
    assert len(found) == bool(wanted)
    assert all(fault.startswith(f"mine/jobs.py:{line}: {wanted}") for fault in found)


def test_import_of_what_is_on_the_path_but_not_installed_is_from_outside(tmp_path: Path, monkeypatch):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "labtools.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "lab")
    found = outside([CodeFile("jobs.py", False, b"import labtools\n")], tmp_path / "mine")
    assert found == [
        f"mine/jobs.py:1: labtools is imported from outside the folder ({(tmp_path / 'lab' / 'labtools.py').resolve()})"
    ]


def test_function_of_a_module_outside_is_found_as_an_import_is(tmp_path: Path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "jobs.py").touch()
    (folder / "pipeline.yaml").write_text("name: mine\n\nrun: batch_jobs.strings.jobs:upper\n")
    functions = ["jobs:make", "json.tool:main", "batch_jobs.strings.jobs:upper"]
    (found,) = outside(read_folder(folder), folder, functions)
    assert found.startswith("mine/pipeline.yaml:3: batch_jobs.strings.jobs is imported from outside the folder (")


def test_pipelines_of_the_project_import_nothing_from_outside_but_one():
    roots = [PROJECT / "batch_jobs", PROJECT / "tests" / "pipelines"]
    folders = {name: next(root / name for root in roots if (root / name).is_dir()) for name in names(roots)}
    guilty = {name for name, folder in folders.items() if outside(read_folder(folder), folder)}
    assert guilty == {"sirt"}  # it shares modules with tomography, in the stack's own layer


def git(folder: Path, *words: str) -> str:
    who = {f"GIT_{role}_{what}": "t@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    own = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", *words], cwd=folder, env=own, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_commit_is_told_and_whether_the_code_is_all_of_it(tmp_path: Path):
    folder = tmp_path / "repository" / "mine"
    folder.mkdir(parents=True)
    (folder / "jobs.py").write_text("x = 1\n")
    (folder / ".hidden").write_text("x")
    assert commit_of(folder, read_folder(folder)) == (None, False)
    git(folder.parent, "init", "-q")
    assert commit_of(folder, read_folder(folder)) == (None, False)  # no commit yet
    (folder.parent / "other.txt").write_text("x")
    git(folder.parent, "add", ".")
    git(folder, "commit", "-qm", "one")
    commit = git(folder, "rev-parse", "HEAD")
    assert commit_of(folder, read_folder(folder)) == (commit, False)
    (folder.parent / "other.txt").write_text("y")
    assert commit_of(folder, read_folder(folder)) == (commit, False)  # not the pipeline's
    for change in (lambda: (folder / "new.py").touch(), lambda: (folder / "jobs.py").chmod(0o755)):
        change()
        assert commit_of(folder, read_folder(folder)) == (commit, True)
        git(folder, "clean", "-fdq")
        git(folder, "checkout", "-q", ".")
    (folder / ".gitignore").write_text("*.dat\n")
    (folder / "table.dat").touch()  # ignored by git, and pushed all the same
    assert commit_of(folder, read_folder(folder)) == (commit, True)


def test_differences_are_a_diff_of_texts_and_a_line_for_the_rest():
    before = [CodeFile("a.py", False, b"x = 1\ny = 2\n"), CodeFile("b.bin", False, b"\xff"), CodeFile("c", False, b"")]
    after = [
        CodeFile("a.py", True, b"x = 1\ny = 3\n"),
        CodeFile("b.bin", False, b"\xfe\xff"),
        CodeFile("c", False, b""),
    ]
    assert list(differences(before, after, ("1", "2"))) == [
        "a.py: executable in 2",
        *("--- 1/a.py", "+++ 2/a.py", "@@ -1,2 +1,2 @@", " x = 1", "-y = 2", "+y = 3"),
        "b.bin: not text, 1 bytes in 1, 2 bytes in 2",
    ]
    assert list(differences([], after[2:], ("1", "2"))) == []
    assert list(differences(after[:1], [], ("1", "2")))[:2] == ["--- 1/a.py", "+++ /dev/null"]
