"""The data folder of an embedded AWS: its user's alone, emptied of what servers left and of nothing else; its locks."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.lifecycle import daemon, turns
from embedded_aws.lifecycle.folder import LOG_FILE, prepare
from embedded_aws.lifecycle.locks import SERVER_LOCK, START_LOCK, is_held, take
from embedded_aws.lifecycle.proof import Unproven
from embedded_aws.lifecycle.state import STATE_FILE
from embedded_aws.machine.errors import NotFound, Refused
from embedded_aws.machine.marker import MARKER, make_marked, mark
from embedded_aws.machine.private_files import open_private
from embedded_aws.machine.search_path import SEARCH_FILE
from embedded_aws.processes import scratch
from embedded_aws.settings.settings import CALLS_FILE, OUTBOX
from gristmill.client.embedded import of_embedded
from gristmill.client.home import home
from gristmill.client.target import HOME
from gristmill.errors import Refused as NotUsable
from tests.states import fields, plant


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_folder_is_its_users_alone_whatever_the_mask(tmp_path: Path):
    old = os.umask(0)
    try:
        prepare(tmp_path / "a" / "data")
        os.close(open_private(tmp_path / "a" / "data" / LOG_FILE, os.O_WRONLY))
    finally:
        os.umask(old)
    assert mode(tmp_path / "a" / "data") == 0o700
    assert mode(tmp_path / "a" / "data" / LOG_FILE) == 0o600


def test_an_open_folder_is_narrowed_if_all_in_it_is_a_servers(tmp_path: Path):
    tmp_path.chmod(0o755)
    mark(tmp_path)
    (tmp_path / LOG_FILE).touch(0o644)
    make_marked(tmp_path / "outbox")
    prepare(tmp_path)
    assert mode(tmp_path) == 0o700
    os.close(open_private(tmp_path / LOG_FILE, os.O_WRONLY))
    assert mode(tmp_path / LOG_FILE) == 0o600


def test_an_open_folder_with_other_things_is_refused_and_left_as_it_is(tmp_path: Path):
    tmp_path.chmod(0o1777)
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(Refused, match=r"open to other users and holds .* \('thesis.txt'\)"):
        prepare(tmp_path)
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777


def test_a_folder_of_another_user_or_below_a_file_is_refused(tmp_path: Path, monkeypatch):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(Refused, match="cannot be made"):
            prepare(folder)
    monkeypatch.setattr("os.getuid", lambda: tmp_path.stat().st_uid + 1)
    for act in (prepare, daemon.down, daemon.reset):
        with pytest.raises(Refused, match="belongs to another user"):
            act(tmp_path)


@pytest.mark.parametrize("name", ["tmp", "jobs", "functions", "outbox"])
def test_a_folder_in_a_servers_that_only_looks_like_its_own_is_not_cleared_away(tmp_path: Path, name: str):
    prepare(tmp_path)
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.txt").touch()
    copied = tmp_path / name / MARKER
    copied.write_bytes((tmp_path / MARKER).read_bytes())
    copied.chmod(0o600)
    with pytest.raises(Refused, match=f"{name} is none that a server has made"):
        prepare(tmp_path)
    daemon.reset(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "thesis.txt").exists()


NAMES = (*scratch.FOLDERS, OUTBOX, STATE_FILE, LOG_FILE, CALLS_FILE, SEARCH_FILE, SERVER_LOCK, START_LOCK, MARKER, "a")


@given(st.dictionaries(st.sampled_from(NAMES), st.booleans(), min_size=1), st.booleans())
def test_no_command_changes_a_folder_that_no_server_has_made(things: dict[str, bool], has_copied_marker: bool):
    """GRISTMILL_HOME may be somebody's home, with a `tmp`, a `server.log` and a marker out of an archive."""
    with tempfile.TemporaryDirectory() as made:
        server, own = Path(made, "server"), Path(made, "own")
        prepare(server)
        own.mkdir(mode=0o700)
        for name, is_folder in things.items():
            (own / name / "thesis").mkdir(parents=True) if is_folder else (own / name).write_text("thesis")
        if has_copied_marker and MARKER not in things:
            shutil.copy2(server / MARKER, own)
        before = seen(own)
        for act in (prepare, daemon.up, daemon.down, daemon.reset):
            with pytest.raises(Refused, match="was not made by an embedded AWS"):
                act(own)
        assert seen(own) == before


def seen(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.lstat().st_mode) for path in (folder, *folder.rglob("*")))


def test_a_copy_of_a_servers_folder_is_none_and_a_moved_one_is(tmp_path: Path):
    prepare(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    (tmp_path / "a").rename(tmp_path / "moved")
    prepare(tmp_path / "moved")
    with pytest.raises(Refused, match="was not made by an embedded AWS"):
        prepare(tmp_path / "copy")


def test_reset_tells_all_that_it_removes_and_leaves_the_rest(tmp_path: Path):
    prepare(tmp_path)
    for name in (LOG_FILE, CALLS_FILE, SEARCH_FILE, f".{SEARCH_FILE}.0123abcd", "mine.txt", f".{SEARCH_FILE}.mine"):
        (tmp_path / name).touch()
    for name in scratch.FOLDERS:
        make_marked(tmp_path / name)
    make_marked(tmp_path / OUTBOX)
    there = set(tmp_path.iterdir())
    _, removed = daemon.reset(tmp_path)
    left = set(tmp_path.iterdir())
    assert {path.name for path in left} == {"mine.txt", f".{SEARCH_FILE}.mine"}
    assert set(removed) == there - left | {tmp_path / START_LOCK}
    assert len(removed) == len(set(removed))


@pytest.mark.parametrize("name", ["server.log", "outbox", ".local.json", ".search-path.json", "functions"])
def test_what_leads_out_of_the_folder_is_refused_and_never_followed(tmp_path: Path, name: str):
    data, outside = tmp_path / "data", tmp_path / "outside"
    prepare(data)
    outside.mkdir()
    (outside / "thesis.txt").touch()
    (data / name).symlink_to(outside)
    with pytest.raises(Refused, match="is none that a server has made"):
        prepare(data)
    daemon.reset(data)
    assert (outside / "thesis.txt").exists()
    (data / name).unlink(missing_ok=True)
    prepare(data)
    os.mkfifo(data / name)
    with pytest.raises(Refused, match="is none that a server has made"):
        prepare(data)


def test_what_a_living_server_removes_meanwhile_is_no_matter(tmp_path: Path, monkeypatch):
    prepare(tmp_path)
    listed = [tmp_path / SERVER_LOCK, tmp_path / ".local.json"]
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter(listed))
    prepare(tmp_path)


def test_reset_removes_links_and_not_what_they_lead_to(tmp_path: Path):
    data, outside = tmp_path / "data", tmp_path / "outside"
    prepare(data)
    make_marked(data / "jobs")
    outside.mkdir()
    (outside / "thesis.txt").touch()
    (data / LOG_FILE).symlink_to(outside / "thesis.txt")
    (data / "outbox").symlink_to(outside)
    (data / "jobs" / "link").symlink_to(outside)
    (data / "mine.txt").touch()
    daemon.reset(data)
    assert sorted(path.name for path in data.iterdir()) == ["mine.txt", "outbox"]
    assert (outside / "thesis.txt").exists()


def test_a_linked_state_folder_is_refused_unless_it_was_named(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / ".gristmill").symlink_to(tmp_path / "real")
    with pytest.raises(NotUsable, match="is a symbolic link"):
        home({}, tmp_path)
    assert home({HOME: str(tmp_path / ".gristmill")}, tmp_path) == tmp_path / ".gristmill"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("elsewhere")])
def test_a_lock_that_is_no_file_is_refused_at_once(tmp_path: Path, make):
    prepare(tmp_path)
    make(tmp_path / START_LOCK)
    with pytest.raises(Refused, match=START_LOCK):
        daemon.down(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_second_name_of_another_file_is_not_opened(tmp_path: Path):
    (tmp_path / "thesis.txt").touch()
    (tmp_path / LOG_FILE).hardlink_to(tmp_path / "thesis.txt")
    with pytest.raises(Refused, match="not a file of your own"):
        open_private(tmp_path / LOG_FILE, os.O_WRONLY)


def test_turns_are_taken_one_by_one_even_where_the_lock_is_removed(tmp_path: Path):
    prepare(tmp_path)
    inside, seen = [], []

    def work() -> None:
        with turns.turn(tmp_path):
            inside.append(1)
            seen.append(len(inside))
            time.sleep(0.01)
            inside.pop()
            (tmp_path / START_LOCK).unlink()  # as reset does, last: whoever comes then makes another

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8


def test_a_lock_goes_with_its_holder(tmp_path: Path):
    code = (
        f"from embedded_aws.lifecycle.locks import *; take(Path({str(tmp_path / SERVER_LOCK)!r}), 1); print(); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert is_held(tmp_path / SERVER_LOCK)
        with pytest.raises(Refused, match="another process holds"):
            take(tmp_path / SERVER_LOCK, 0)
        holder.kill()
    assert not is_held(tmp_path / SERVER_LOCK)


def test_a_file_system_without_locks_is_said_to_have_none(tmp_path: Path, monkeypatch):
    def flock(_file: int, _kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(Refused, match="no locks"):
        take(tmp_path / START_LOCK, 0)


@pytest.mark.parametrize("act", [daemon.up, daemon.down, daemon.reset])
def test_a_server_whose_state_file_was_deleted_is_not_forgotten(tmp_path: Path, monkeypatch, act):
    monkeypatch.setattr(daemon, "_END_SECONDS", 0.0)
    plant(tmp_path, fields(tmp_path)).unlink()
    lock = take(tmp_path / SERVER_LOCK, 0)
    (tmp_path / LOG_FILE).touch()
    with pytest.raises(Unproven, match=f"a server lives in {tmp_path}"):
        act(tmp_path)
    os.close(lock)
    assert (tmp_path / LOG_FILE).exists()


def test_gristmill_mends_the_errors_of_the_embedded_aws_by_its_own_commands(tmp_path: Path):
    with pytest.raises(NotFound) as caught:
        daemon.down(tmp_path)
    assert caught.value.mend == "Start one: python -m embedded_aws up"
    same = of_embedded(caught.value)
    assert (same.what, same.mend, same.exit_code) == (caught.value.what, "Start one: gristmill local up", 3)
