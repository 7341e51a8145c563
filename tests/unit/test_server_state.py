"""State files: whatever lies there, nothing is ended, nobody else is spoken to, and the answer is one line or none."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from embedded_aws.lifecycle import daemon, processes, turns
from embedded_aws.lifecycle.locks import SERVER_LOCK, take
from embedded_aws.lifecycle.processes import start_of
from embedded_aws.lifecycle.proof import Unproven, find_server
from embedded_aws.lifecycle.state import STATE_FILE, BadState, ServerState, host_of, read_state, write_state
from embedded_aws.machine.errors import EmbeddedAWSError, Refused
from embedded_aws.machine.marker import MARKER, make_marked, mark
from gristmill.cli.main import call
from gristmill.errors import ExitCode
from tests.states import fields, plant

ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=5,
)
COMMANDS = [
    *([name] for name in ("runs", "status", "watch", "logs", "results", "report", "resume", "deploy", "mail", "jobs")),
    *([name] for name in ("queues", "hosts", "subscriptions")),
    *(["stop", "0"], ["run", "strings", __file__], ["subscribe", "me@example.org"], ["job", "submit", "true"]),
    *(["local", name] for name in ("down", "status", "env")),
]
OWN_PID = os.getpid()
FAST = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def reached(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give the signals that were asked for and the strangers that were spoken to; none of them is reached."""
    seen: list[Any] = []

    def refuse(address: Any, *_rest: Any) -> socket.socket:
        if not address[0].startswith("127.") and address[0] != "::1":
            seen.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    for module, name in ((os, "kill"), (os, "killpg"), (signal, "pidfd_send_signal")):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, lambda *given: seen.append(given))
    monkeypatch.setattr(socket, "create_connection", refuse)
    return seen


def use(folder: Path) -> None:
    """Do what commands do with a state file; each answers none, or one line with its mend."""
    for command in (find_server, turns.lost, daemon.down):
        try:
            state = command(folder)
        except EmbeddedAWSError as error:
            assert "\n" not in str(error)
            assert error.mend
            assert error.exit_code in (ExitCode.UNREACHABLE, ExitCode.NOT_FOUND)
        else:
            assert state is None or command is turns.lost
    daemon.reset(folder)
    assert not (folder / STATE_FILE).exists()


@FAST
@given(content=some.binary(max_size=300) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_any_content_ends_nothing_and_leads_nowhere(tmp_path: Path, reached: list[Any], content: bytes):
    plant(tmp_path, content)
    use(tmp_path)
    assert reached == []


@FAST
@given(name=some.sampled_from(sorted(fields(Path()))), value=ANYTHING)
def test_any_field_that_is_wrong_ends_nothing_and_leads_nowhere(
    tmp_path: Path, reached: list[Any], name: str, value: Any
):
    plant(tmp_path, fields(tmp_path, pid=OWN_PID, started=start_of(OWN_PID)) | {name: value})
    use(tmp_path)
    assert reached == []


@FAST
@given(missing=some.sampled_from(sorted(fields(Path()))), more=some.text())
def test_a_field_too_few_or_too_many_is_no_state(tmp_path: Path, missing: str, more: str):
    whole = fields(tmp_path)
    for wrong in ({name: value for name, value in whole.items() if name != missing}, {**whole, f"x{more}": 1}):
        plant(tmp_path, wrong)
        with pytest.raises(BadState, match="another version"):
            read_state(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[" * 60_000, b"9" * 5000, b'{"pid": 1e999}', b"\xff\x00", b"null"])
def test_what_is_no_record_is_damaged(tmp_path: Path, content: bytes):
    plant(tmp_path, content)
    with pytest.raises(BadState, match="it is damaged"):
        read_state(tmp_path)


@pytest.mark.parametrize("pid", [-1, 0, 1, True, "2", "-1", 2.0, None, 2**31, 10**30, [2], float("nan"), float("inf")])
def test_a_process_number_is_a_whole_number_above_1(tmp_path: Path, pid: Any):
    plant(tmp_path, fields(tmp_path, pid=pid))
    with pytest.raises(BadState, match=r"damaged \(pid\)"):
        read_state(tmp_path)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://example.org:45660",
        "http://localhost@example.org:45660",
        "http://localhost:45660@example.org:45660",
        "http://localhost.example.org:45660",
        "http://127.0.0.1.nip.io:45660",
        "http://127.0.0.1#@example.org:45660",
        "http://127.0.0.999:45660",
        "http://127.1:45660",
        "http://2130706433:45660",
        "http://0.0.0.0:45660",
        "http://10.0.0.1:45660",
        "http://[::ffff:10.0.0.1]:45660",
        "https://localhost:45660",
        "ftp://localhost:45660",
        "http://localhost:45661",
        "http://localhost:0045660",
        "http://localhost:٤٥٦٦٠",
        "http://localhost:45660/",
        "http://localhost:45660\n",
        "http://localhost\\@example.org:45660",
        "HTTP://LOCALHOST:45660",
        "//localhost:45660",
        "localhost:45660",
        "",
    ],
)
def test_an_endpoint_elsewhere_is_never_believed(tmp_path: Path, reached: list[Any], endpoint: str):
    plant(tmp_path, fields(tmp_path, pid=OWN_PID, started=start_of(OWN_PID)) | {"endpoint": endpoint})
    with pytest.raises(BadState, match="its endpoint is not on this machine"):
        find_server(tmp_path)
    assert reached == []


def test_an_endpoint_here_has_a_host():
    ends = ("http://localhost:1", "http://127.0.0.1:65535", "http://127.9.8.7:80", "http://[::1]:80")
    assert [host_of(end) for end in ends] == ["localhost", "127.0.0.1", "127.9.8.7", "::1"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_answers_a_damaged_file_in_one_line(tmp_path: Path, monkeypatch, capsys, command: list[str]):
    monkeypatch.setenv("GRISTMILL_HOME", str(tmp_path))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    plant(tmp_path, b'{"pid": -1')
    assert call(command) == ExitCode.UNREACHABLE
    written = capsys.readouterr()
    mend = "Clear it away with: gristmill local reset"
    assert written.err == f"error: {tmp_path / STATE_FILE} cannot be believed: it is damaged. {mend}\n"
    assert written.out == ""


def be_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def be_a_fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def be_a_socket(file: Path) -> None:
    file.unlink()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(file))


def be_a_link(file: Path) -> None:
    file.rename(file.with_name("real.json"))
    file.symlink_to("real.json")


UNUSUAL: list[tuple[Callable[[Path], Any], str]] = [
    (be_a_folder, "is not a file"),
    (be_a_fifo, "is not a file"),
    (be_a_socket, "No such device"),
    (be_a_link, "is a symbolic link"),
    (lambda file: os.truncate(file, 1024**3), "is too large"),
    (lambda file: file.chmod(0o640), "others may read or write"),
    (lambda file: file.chmod(0o602), "others may read or write"),
    (lambda file: file.write_text('{"pid": 12'), "is damaged"),
]


@pytest.mark.parametrize(("change", "why"), UNUSUAL)
def test_what_is_no_plain_file_of_its_user_is_not_believed_and_got_past(
    tmp_path: Path, reached: list[Any], change: Callable[[Path], Any], why: str
):
    """A FIFO must not be waited for; the file is cleared away where no server lives, and only there."""
    file = plant(tmp_path, fields(tmp_path))
    change(file)
    with pytest.raises(BadState, match=why):
        read_state(tmp_path)
    lock = take(tmp_path / SERVER_LOCK, 1)
    with pytest.raises(Unproven, match="a server lives in"):
        daemon.reset(tmp_path)
    assert os.path.lexists(file)
    os.close(lock)
    daemon.reset(tmp_path)
    assert not os.path.lexists(file)
    assert reached == []


def test_a_folder_with_things_in_it_is_nobodys_to_remove(tmp_path: Path):
    mark(tmp_path)
    (tmp_path / STATE_FILE).mkdir()
    (tmp_path / STATE_FILE / "thesis.txt").touch()
    with pytest.raises(Refused, match="a folder with things in it"):
        daemon.reset(tmp_path)


def test_a_file_of_another_user_is_not_believed(tmp_path: Path, monkeypatch):
    plant(tmp_path, fields(tmp_path))
    monkeypatch.setattr("os.getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(BadState, match="belongs to another user"):
        read_state(tmp_path)


def test_a_file_that_was_carried_into_another_folder_is_not_believed(tmp_path: Path):
    plant(tmp_path / "there", fields(tmp_path))
    with pytest.raises(BadState, match="for another folder"):
        read_state(tmp_path / "there")


def test_a_file_in_a_folder_that_no_server_has_made_is_not_believed(tmp_path: Path):
    plant(tmp_path, fields(tmp_path))
    (tmp_path / MARKER).unlink()
    with pytest.raises(BadState, match="no embedded AWS has made its folder"):
        read_state(tmp_path)


def test_what_is_written_is_its_users_alone_and_reads_back(tmp_path: Path):
    state = ServerState(**fields(tmp_path))
    mark(tmp_path)
    old = os.umask(0)
    try:
        write_state(state)
    finally:
        os.umask(old)
    assert (tmp_path / STATE_FILE).stat().st_mode & 0o777 == 0o600
    assert read_state(tmp_path) == state
    for secret in (state.nonce, state.access_key_id, state.secret_access_key):
        assert secret not in repr(state)
        assert secret not in state.public().values()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_folder_whose_name_is_no_text_is_a_folder_as_any(tmp_path: Path):
    folder = tmp_path / os.fsdecode(b"caf\xe9 \n'$(x)")
    make_marked(folder)
    state = ServerState(**fields(folder))
    write_state(state)
    assert read_state(folder) == state


def test_a_live_process_that_is_no_server_is_not_taken_for_one(tmp_path: Path, reached: list[Any]):
    plant(tmp_path, fields(tmp_path, pid=OWN_PID, started=start_of(OWN_PID)))
    with pytest.raises(BadState, match=f"process {OWN_PID} is no embedded AWS of this folder"):
        daemon.down(tmp_path)
    assert reached == []


def test_a_server_that_hangs_is_not_ended_but_how_to_end_it_is_told(tmp_path: Path, reached: list[Any], monkeypatch):
    plant(tmp_path, fields(tmp_path, pid=OWN_PID, started=start_of(OWN_PID)))
    command = f"python -m embedded_aws.server.server --data {tmp_path} --project /srv"
    monkeypatch.setattr("embedded_aws.lifecycle.proof.command_of", lambda pid: command)
    for act in (daemon.down, daemon.reset, daemon.up):
        with pytest.raises(Unproven, match=f"if it hangs, end it by hand: kill -9 {OWN_PID}"):
            act(tmp_path)
    assert reached == []


def test_a_process_is_known_by_its_number_and_start_on_every_system():
    tells = [processes._from_ps] + ([processes._from_proc] if Path("/proc/self/stat").exists() else [])
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as living:
        for tell in tells:
            owner, state, started = tell(living.pid)
            assert owner == str(os.getuid())
            assert not state.startswith("Z")
            assert started == tell(living.pid)[2]
        assert start_of(living.pid) is not None
        assert "cat" in processes.command_of(living.pid)
    assert start_of(living.pid) is None
