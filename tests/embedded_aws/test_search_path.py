"""The folders noted in a data folder: whatever lies there instead is never followed, waited for or believed."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded_aws.machine.search_path import SEARCH_FILE, add, noted

ODD = [
    b"nul",
    b"5",
    b'"/etc"',
    b'{"a":1}',
    b"[1,2]",
    b'["relative"]',
    b'["\\u0000a"]',
    b'["/\\ud800"]',
    b"[" * 5000,
    b"\xff",
]


def plant(data: Path, content: bytes) -> None:
    (data / SEARCH_FILE).write_bytes(content)
    (data / SEARCH_FILE).chmod(0o600)


@pytest.mark.parametrize("content", ODD, ids=range(len(ODD)))
def test_a_damaged_file_notes_nothing_and_is_made_anew(tmp_path: Path, content: bytes):
    plant(tmp_path, content)
    assert noted(tmp_path) == []
    add(tmp_path, ["/pipelines"])
    assert noted(tmp_path) == ["/pipelines"]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.binary()
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda it: repr(it).encode("utf-8", "replace"))
)
def test_whatever_it_holds_only_absolute_folders_are_noted(tmp_path: Path, content: bytes):
    plant(tmp_path, content)
    assert all(Path(folder).is_absolute() for folder in noted(tmp_path))


def test_what_is_no_file_of_ones_own_is_neither_followed_nor_waited_for(tmp_path: Path):
    file = tmp_path / SEARCH_FILE
    os.mkfifo(file)
    assert noted(tmp_path) == []
    add(tmp_path, ["/a"])
    assert noted(tmp_path) == ["/a"]
    file.unlink()
    file.symlink_to("/dev/zero")
    add(tmp_path, ["/b"])
    assert noted(tmp_path) == ["/b"]
