"""The server has every address that `localhost` may mean, or says who has it."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from embedded_aws.machine.errors import Refused
from embedded_aws.server import listening
from embedded_aws.server.listening import listen, listen_on_loopback


@pytest.fixture
def opened() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def elsewhere(opened: contextlib.ExitStack) -> int:
    """Give a port that another program has at ::1, where `localhost` leads first on many machines."""
    taken = opened.enter_context(socket.socket(socket.AF_INET6))
    try:
        taken.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no ::1")
    taken.listen()
    port: int = taken.getsockname()[1]
    return port


def test_a_port_that_another_program_has_at_the_other_address_is_refused(elsewhere: int):
    for _ in range(2):  # the first refusal leaves nothing open
        with pytest.raises(Refused, match=f"port {elsewhere} of ::1 is taken"):
            listen_on_loopback(elsewhere)


def test_a_free_port_is_free_at_both_addresses(opened: contextlib.ExitStack, elsewhere: int, monkeypatch):
    """The first one that the system gives is taken at ::1; the next one is not."""
    given = iter([elsewhere, 0])

    def listen_there(family: socket.AddressFamily, address: str, port: int) -> list[socket.socket]:
        return listen(family, address, port or next(given))

    monkeypatch.setattr(listening, "listen", listen_there)
    found = [opened.enter_context(listener) for listener in listen_on_loopback(0)]
    ports = {listener.getsockname()[1] for listener in found}
    assert [listener.getsockname()[0] for listener in found] == ["127.0.0.1", "::1"]
    assert len(ports) == 1
    assert elsewhere not in ports


def test_a_machine_without_the_newer_address_has_the_other(opened: contextlib.ExitStack, monkeypatch):
    monkeypatch.setattr(listening, "_LOOPBACK", ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "2001:db8::1")))
    found = [opened.enter_context(listener) for listener in listen_on_loopback(0)]
    assert [listener.family for listener in found] == [socket.AF_INET]
