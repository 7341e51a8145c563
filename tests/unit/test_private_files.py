"""Files that are their user's alone: nothing of another name is overwritten, read or waited for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded_aws.machine import search_path
from embedded_aws.machine.errors import Refused
from embedded_aws.machine.private_files import drafted, open_private, read_private, write_private
from gristmill.storage.upload_record import FileIdentity, UploadRecord, slot

ODD: dict[str, Callable[[Path, Path], None]] = {
    "a symbolic link": lambda path, mine: path.symlink_to(mine),
    "a second name": lambda path, mine: path.hardlink_to(mine),
    "a FIFO": lambda path, _mine: os.mkfifo(path),
    "a folder": lambda path, _mine: path.mkdir(),
}

WRITERS: list[Callable[[Path], None]] = [
    lambda path: write_private(path, b"[]"),
    lambda path: search_path.begin(path.parent, []),
]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "bashrc"
    file.write_text("precious")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_plain_file_is_neither_read_nor_opened(tmp_path: Path, mine: Path, kind: str):
    ODD[kind](tmp_path / "file", mine)
    with pytest.raises(ValueError, match=r"^it (is|has) "):
        read_private(tmp_path / "file", 100)
    with pytest.raises(Refused):
        open_private(tmp_path / "file", os.O_RDWR)
    assert mine.read_text() == "precious"


@pytest.mark.parametrize("kind", ["a symbolic link", "a second name", "a FIFO"])
@pytest.mark.parametrize("write", WRITERS)
def test_a_link_of_the_name_is_replaced_and_what_it_leads_to_stays(tmp_path: Path, mine: Path, kind: str, write):
    path = tmp_path / search_path.SEARCH_FILE
    ODD[kind](path, mine)
    ODD[kind](tmp_path / f".{path.name}", mine)
    write(path)
    assert mine.read_text() == "precious"
    assert path.read_bytes() == b"[]"
    assert (path.lstat().st_mode & 0o777, path.lstat().st_nlink) == (0o600, 1)


def test_a_write_that_fails_leaves_no_draft(tmp_path: Path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="file"):
        write_private(tmp_path / "file", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_draft_tells_whose_it_is():
    assert drafted(".a.b.01234567") == "a.b"
    assert [drafted(name) for name in (".a.b.0123456", "a.01234567", "a")] == [None] * 3


def test_a_file_is_read_up_to_its_bound(mine: Path):
    assert read_private(mine, 8) == b"precious"
    with pytest.raises(ValueError, match="too large"):
        read_private(mine, 7)
    mine.chmod(0o644)
    with pytest.raises(ValueError, match="others may"):
        read_private(mine, 8)


@pytest.mark.parametrize("kind", ["a symbolic link", "a second name"])
def test_a_record_of_an_upload_overwrites_no_other_file(tmp_path: Path, mine: Path, kind: str):
    records, notes = tmp_path / "records", list[str]()
    with slot(records, ["a"], notes.append) as record:
        record.write(UploadRecord("id", 1, 1))
    (path,) = records.iterdir()
    path.unlink()
    ODD[kind](path, mine)
    with slot(records, ["a"], notes.append) as record:
        record.write(UploadRecord("id", FileIdentity(1, 1).size, 1))
    assert mine.read_text() == "precious"
