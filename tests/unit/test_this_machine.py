"""Keys go to AWS or to one's own embedded AWS: to nothing else that listens on this machine, however it is called."""

import ipaddress
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.machine.surroundings import KEY_PREFIX
from gristmill.cli.main import call
from gristmill.client import this_machine
from gristmill.client.embedded import HOME
from gristmill.client.target import Wanted, choose
from gristmill.client.this_machine import is_on_this_machine, places_here
from gristmill.errors import ExitCode, Unreachable

REAL = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
HERE = (
    *("127.0.0.1", "127.0.0.2", "127.1", "0.0.0.0", "0", "2130706433", "0x7f.1", "0177.0.0.1"),  # noqa: S104 - to ask there
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:2]", "[0:0:0:0:0:0:0:1]"),
    *("localhost", "LOCALHOST", "localhost.", "x.localhost", "a.b.localhost."),
    *("rebound.example", "mine.example", "both.example"),
)
ODD = ("ⓛocalhost", "１２７.0.0.1", "127。0。0。1", "%6cocalhost", "[fe80::1%25lo]", "a b", "a..b.")
ELSEWHERE = ("192.0.2.1", "[2001:db8::1]", "aws.example", "localhost.example", "127.0.0.1.example", "none.example")


def own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"  # this machine has no other
        return str(probe.getsockname()[0])


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Resolve names of example domains without a network."""
    known = {
        "rebound.example": ["127.0.0.1"],
        "mine.example": [own_address()],
        "both.example": ["192.0.2.1", "127.0.0.1"],
        **{name: ["192.0.2.1"] for name in ("aws.example", "localhost.example", "127.0.0.1.example")},
    }
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *rest: int, **named: int) -> list[object]:
        if host.endswith(".example") and host not in known:
            raise socket.gaierror("no such name")
        return [found for address in known.get(host, [host]) for found in resolve(address, port, *rest, **named)]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    this_machine._addresses_here.cache_clear()
    yield
    this_machine._addresses_here.cache_clear()


@pytest.mark.parametrize("host", HERE)
def test_this_machine_is_known_by_any_name_and_gets_no_keys_of_aws(host: str):
    url = f"http://{host}:45454"
    environment = {HOME: "/nowhere", **REAL}
    for target in (
        choose(Wanted(endpoint=url), environment),
        choose(Wanted(), {**environment, "AWS_ENDPOINT_URL": url}),
    ):
        assert target.local
        with pytest.raises(Unreachable, match="are not known here, and it gets no others"):
            target.client("s3")


@pytest.mark.parametrize("host", ELSEWHERE)
def test_other_machines_are_not_taken_for_this_one(host: str):
    assert not choose(Wanted(endpoint=f"http://{host}:45454"), {HOME: "/nowhere"}).local


@given(st.ip_addresses(v=4, network="127.0.0.0/8"), st.sampled_from(["{}", "{:d}", "{:#x}", "{:#o}"]))
def test_each_way_to_write_a_loopback_address_is_this_machine(address: ipaddress.IPv4Address, form: str):
    number = form.format(address if form == "{}" else int(address)).replace("0o", "0")
    assert is_on_this_machine(f"http://{number}:1")
    assert places_here(f"http://[::ffff:{address}]:1") == [(str(address), 1)]


@pytest.mark.parametrize("host", ODD)
def test_a_host_that_clients_would_read_otherwise_is_refused_or_has_no_address(host: str):
    try:
        assert places_here(choose(Wanted(endpoint=f"http://{host}:1"), {HOME: "/nowhere"}).endpoint or "") == []
    except Unreachable as refused:
        assert "is no URL of an AWS" in str(refused)


@pytest.fixture
def heard() -> Iterator[tuple[int, list[bytes]]]:
    """Listen on an address of this machine where no embedded AWS is; give its port and what it hears."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.2", 0)) as listener:

        def listen() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(0.2)
                    try:
                        received.append(connection.recv(65_536))
                    except TimeoutError:
                        continue

        threading.Thread(target=listen, daemon=True).start()
        yield listener.getsockname()[1], received
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.skipif(not Path("/proc").exists(), reason="other systems have 127.0.0.1 alone")
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CLOUDFORMATION", "configuration"])
def test_a_listener_on_this_machine_hears_of_no_key(heard, monkeypatch, tmp_path: Path, capsys, variable: str):
    port, received = heard
    url = f"http://127.0.0.2:{port}"
    config = tmp_path / "config"
    config.write_text(f"[default]\nendpoint_url = {url}\n" if variable == "configuration" else "")
    for name, value in {**REAL, HOME: "/nowhere", "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": str(config)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if variable != "configuration":
        monkeypatch.setenv(variable, url)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    assert call(["runs"]) == ExitCode.UNREACHABLE
    assert "Traceback" not in capsys.readouterr().err
    assert not any(received)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "0.0.0.0", "[::ffff:127.0.0.1]"])  # noqa: S104
def test_another_users_listener_gets_no_key_of_an_embedded_aws(monkeypatch, host: str):
    pair = {"AWS_ACCESS_KEY_ID": f"{KEY_PREFIX}AAAA", "AWS_SECRET_ACCESS_KEY": "secret"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://{host}:{listener.getsockname()[1]}"
        assert choose(Wanted(endpoint=url), {HOME: "/nowhere", **pair}).pair is not None
        mine = os.getuid()
        monkeypatch.setattr("os.getuid", lambda: mine + 1)
        with pytest.raises(Unreachable, match="another user listens at"):
            choose(Wanted(endpoint=url), {HOME: "/nowhere", **pair})
