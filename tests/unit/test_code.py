"""A pipeline's code as data: what its digest knows, and archives that are hostile or damaged."""

import io
import os
import shutil
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.code.archive import pack, read_archive, unpack
from gristmill.code.digest import CodeFile, digest_of, read_folder
from gristmill.code.source import find_source
from gristmill.errors import Corrupt, Refused
from gristmill.limits import CODE_FILES_MAX, CODE_MAX
from gristmill.pipeline.code import PipelineCode
from gristmill.runs.code import Code
from tests.project import PROJECT

FILES = [
    CodeFile("jobs.py", False, b"x = 1\n"),
    CodeFile("bin/tool", True, b"#!/bin/sh\n"),
    CodeFile("a.txt", False, b""),
]
_NAMES = st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=3).map("/".join)


def _folder(place: Path, files: list[CodeFile]) -> Path:
    for file in files:
        path = place / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(0o755 if file.executable else 0o644)
    return place


@given(st.dictionaries(_NAMES, st.tuples(st.booleans(), st.binary(max_size=50)), max_size=6), st.randoms())
def test_digest_knows_paths_bits_and_contents_in_any_order(drawn, random) -> None:
    files = [CodeFile(path, *rest) for path, rest in drawn.items()]
    shuffled = random.sample(files, len(files))
    assert digest_of(shuffled) == digest_of(files)
    for changed in (
        [CodeFile(f"{file.path}x", file.executable, file.content) for file in files],
        [CodeFile(file.path, not file.executable, file.content) for file in files],
        [CodeFile(file.path, file.executable, file.content + b"x") for file in files],
        [*files, CodeFile("other", False, b"")],
    ):
        assert digest_of(changed) != digest_of(files) or changed == files


def test_fresh_checkout_has_the_same_digest_and_the_same_archive(tmp_path: Path) -> None:
    here, there = _folder(tmp_path / "here", FILES), _folder(tmp_path / "there", FILES)
    os.utime(there / "jobs.py", (1, 1))
    (there / "a.txt").chmod(0o664)  # another umask
    for left in ("__pycache__/jobs.pyc", ".git/HEAD", "bin/.DS_Store"):
        (there / left).parent.mkdir(exist_ok=True)
        (there / left).write_text("left behind")
    assert digest_of(read_folder(here)) == digest_of(read_folder(there)) == digest_of(FILES)
    assert pack(read_folder(here)) == pack(reversed(FILES))


def test_archive_comes_back_as_the_folder_that_it_was(tmp_path: Path) -> None:
    folder = unpack(pack(FILES), digest_of(FILES), tmp_path, "code.zip")
    assert folder == tmp_path / digest_of(FILES)
    assert digest_of(read_folder(folder)) == digest_of(FILES)
    assert os.access(folder / "bin/tool", os.X_OK)
    assert unpack(pack(FILES), digest_of(FILES), tmp_path, "code.zip") == folder
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_folder_that_was_changed_since_it_was_unpacked_is_refused(tmp_path: Path) -> None:
    (unpack(pack(FILES), digest_of(FILES), tmp_path, "code.zip") / "jobs.py").write_text("x = 2\n")
    with pytest.raises(Corrupt, match=f"code is .{{12}}…, run.json says {digest_of(FILES)[:12]}…"):
        unpack(pack(FILES), digest_of(FILES), tmp_path, "code.zip")


def test_code_of_another_digest_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    other = [*FILES[:-1], CodeFile("a.txt", False, b"!")]
    message = f"code is {digest_of(other)[:12]}…, run.json says {digest_of(FILES)[:12]}…: runs/1/code.zip was changed"
    with pytest.raises(Corrupt, match=message):
        unpack(pack(other), digest_of(FILES), tmp_path, "runs/1/code.zip")
    assert not list(tmp_path.iterdir())


@given(drawn=st.data())
def test_flipped_bit_changes_nothing_or_is_refused(drawn, tmp_path_factory) -> None:
    body = bytearray(pack(FILES))
    place = drawn.draw(st.integers(0, len(body) - 1))
    body[place] ^= 1 << drawn.draw(st.integers(0, 7))
    folder = tmp_path_factory.mktemp("code")
    try:
        made = unpack(bytes(body), digest_of(FILES), folder, "code.zip")
    except Corrupt:
        assert not list(folder.iterdir())
    else:
        assert digest_of(read_folder(made)) == digest_of(FILES)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_any_bytes_are_read_or_refused(tail, kept) -> None:
    for body in (tail, pack(FILES)[:kept] + tail):
        try:
            read_archive(body, "code.zip")
        except Corrupt as error:
            assert str(error).startswith("code.zip")


def _zip(*entries: tuple[str, int, bytes], encrypted: bool = False) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, mode, content in entries:
            entry = zipfile.ZipInfo("x" * len(name.encode()))
            entry.filename = name  # as it is, for ZipInfo mends some
            entry.external_attr, entry.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return body.getvalue()


_FILE, _LINK = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([("../jobs.py", _FILE, b"")], "'../jobs.py' leads out of the folder"),
        ([("lib/../../jobs.py", _FILE, b"")], "leads out of the folder"),
        ([("/etc/passwd", _FILE, b"")], "'/etc/passwd' leads out of the folder"),
        ([("a\\..\\jobs.py", _FILE, b"")], "leads out of the folder"),
        ([("lib//jobs.py", _FILE, b"")], "leads out of the folder"),
        ([("lib/", stat.S_IFDIR | 0o755, b"")], "leads out of the folder"),
        ([("jobs.py", _LINK, b"/etc/passwd")], "'jobs.py' is no plain file"),
        ([("jobs.py", stat.S_IFIFO | 0o644, b"")], "'jobs.py' is no plain file"),
        ([("jobs.py", stat.S_IFREG | 0o4755, b"")], "'jobs.py' is no plain file"),
        ([("lib", _LINK, b"/etc"), ("lib/passwd", _FILE, b"")], "the same on some disks"),
        ([("jobs.py", _FILE, b""), ("JOBS.py", _FILE, b"")], "'jobs.py' and 'JOBS.py' are the same on some disks"),
        ([("Lib/a.py", _FILE, b""), ("lib/b.py", _FILE, b"")], "the same on some disks"),
        ([("caf\u00e9.py", _FILE, b""), ("cafe\u0301.py", _FILE, b"")], "the same on some disks"),
        ([("jobs.py", _FILE, b"1"), ("jobs.py", _FILE, b"2")], "the same on some disks"),
        ([("jobs.py/a", _FILE, b""), ("jobs.py", _FILE, b"")], "the same on some disks"),
        ([("a\nb.py", _FILE, b"")], "characters that cannot be shown"),
        ([("a" * 300, _FILE, b"")], "longer than 255 bytes"),
        ([("bomb", _FILE, bytes(CODE_MAX + 1))], "a pipeline may have 20"),
        ([(f"f{n}", _FILE, b"") for n in range(CODE_FILES_MAX + 1)], "more than the 2,000 files"),
    ],
)
def test_hostile_archive_is_refused_before_a_byte_is_written(tmp_path: Path, entries, why: str) -> None:
    place = tmp_path / "inner"
    place.mkdir()
    with pytest.raises(Corrupt) as refused:
        unpack(_zip(*entries), "0" * 64, place, "code.zip")
    assert why in str(refused.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["inner"]


def test_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    body = _zip(("bomb", _FILE, bytes(CODE_MAX * 4)))
    lie = (CODE_MAX * 4).to_bytes(4, "little"), (100).to_bytes(4, "little")
    with pytest.raises(Corrupt, match=r"code\.zip cannot be unpacked"):
        unpack(body.replace(*lie), "0" * 64, tmp_path, "code.zip")


def test_folder_that_cannot_travel_is_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "code", FILES)
    (folder / "link.py").symlink_to("jobs.py")
    (folder / "out").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    with pytest.raises(Refused) as refused:
        read_folder(folder)
    assert refused.value.faults == [
        f"{folder}/link.py is a symbolic link, not a file",
        f"{folder}/out is a symbolic link, not a file",
        f"{folder}/pipe is a special file, not a file",
    ]


def test_folder_with_large_files_is_refused_with_where_they_belong(tmp_path: Path) -> None:
    with (_folder(tmp_path / "code", FILES) / "genome.fa").open("wb") as file:
        file.truncate(CODE_MAX)
    with pytest.raises(Refused, match=r"has 20\.0 MiB, and a pipeline may have 20\. Large files belong in references/"):
        read_folder(tmp_path / "code")


def test_names_that_are_one_on_some_disks_are_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "code", [CodeFile("Jobs.py", False, b""), CodeFile("jobs.py", False, b"")])
    if len(list(folder.iterdir())) == 1:
        pytest.skip("this disk takes them for one")
    with pytest.raises(Refused, match=r"'Jobs\.py' and 'jobs\.py' are the same on some disks"):
        read_folder(folder)


def test_name_that_is_not_text_is_refused(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"\xff.py")).write_text("")
    except OSError:
        pytest.skip("this disk takes no such name")
    with pytest.raises(Refused, match="characters that cannot be shown"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("more", "headline"),
    [
        ({"built_in": True}, "aaaaaaaaaaaa (built in)"),
        ({"built_in": False}, "aaaaaaaaaaaa (not pushed)"),
        ({"built_in": False, "version": 4, "git_commit": "b" * 40}, "aaaaaaaaaaaa (version 4, commit bbbbbbbbbbbb)"),
        (
            {"built_in": False, "version": 4, "git_commit": "b" * 40, "dirty": True},
            "aaaaaaaaaaaa (version 4, commit bbbbbbbbbbbb and changes since)",
        ),
    ],
)
def test_code_is_told_with_where_it_comes_from(more: dict[str, Any], headline: str) -> None:
    assert Code(digest="a" * 64, sources="b" * 64, **more).headline == headline


def test_modules_of_another_built_in_pipeline_travel_with_the_code_and_count(tmp_path: Path) -> None:
    built_in = tmp_path / "batch_jobs"
    shutil.copytree(PROJECT / "batch_jobs" / "sirt", built_in / "sirt")
    shutil.copytree(PROJECT / "batch_jobs" / "tomography", built_in / "tomography")
    before = find_source("sirt", [built_in])
    shared = built_in / "tomography" / "beam.py"
    shared.write_text(shared.read_text() + "\nMENDED = True\n")
    after = find_source("sirt", [built_in])
    assert before.code.digest != after.code.digest
    assert before.code.sources != after.code.sources  # which fingerprints are made of
    files = {file.path: file.content for file in read_archive(after.archive, "code.zip")}
    assert files["batch_jobs/tomography/beam.py"] == shared.read_bytes()
    assert "batch_jobs/tomography/pipeline.yaml" not in files


SHARED_BY = {
    "import": "import batch_jobs.lib.deep\ndef who():\n    return batch_jobs.lib.deep.who()\n",
    "from": "from batch_jobs.lib.deep import who\n",
    "package": "from batch_jobs import lib\nfrom batch_jobs.lib import deep\ndef who():\n    return deep.who()\n",
    "function": "",
}


@pytest.mark.parametrize("way", SHARED_BY)
def test_unpacked_code_imports_shared_modules_from_its_own_folder(tmp_path: Path, way: str) -> None:
    reference = "batch_jobs.lib.deep:who" if way == "function" else "jobs:who"
    stage = f"{{name: s, split: {{records: whole}}, branches: [{{name: b, run: '{reference}'}}]}}"
    built_in = tmp_path / "batch_jobs"
    texts = {
        "user/pipeline.yaml": f"version: 1\nname: user\ndescription: d\nstages: [{stage}]\n",
        "user/jobs.py": SHARED_BY[way],
        "lib/deep.py": "from batch_jobs.base.word import WORD\nfrom .near import X\ndef who():\n    return WORD + X\n",
        "lib/near.py": "X = '!'\n",
        "base/word.py": "WORD = 'first'\n",
    }
    for path, text in texts.items():
        (built_in / path).parent.mkdir(parents=True, exist_ok=True)
        (built_in / path).write_text(text)
    source = find_source("user", [built_in])
    (built_in / "base" / "word.py").write_text("WORD = 'other'\n")
    folder = unpack(source.archive, source.code.digest, tmp_path, "code.zip")
    assert PipelineCode("user", folder).load(reference)() == "first!"
