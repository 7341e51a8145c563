"""Which AWS is meant, where flags, environment and a state file say different things."""

from pathlib import Path

import pytest

from embedded_aws.lifecycle.state import BadState
from gristmill.client.target import ENDPOINT, HOME, Target, Wanted, choose
from gristmill.errors import Unreachable
from tests.states import plant

REMOTE = "https://batch.example.org"


@pytest.fixture
def damaged(tmp_path: Path) -> dict[str, str]:
    plant(tmp_path, b"{")
    return {HOME: str(tmp_path)}


def test_a_damaged_state_file_is_no_matter_where_another_aws_is_meant(damaged: dict[str, str]):
    assert choose(Wanted(aws=True), damaged) == Target(None, None)
    assert choose(Wanted(endpoint=REMOTE), damaged) == choose(Wanted(), {**damaged, ENDPOINT: REMOTE})
    for wanted in (Wanted(), Wanted(local=True), Wanted(endpoint="http://localhost:1")):
        with pytest.raises(BadState):
            choose(wanted, damaged)


def test_local_never_leads_elsewhere(tmp_path: Path):
    environment = {HOME: str(tmp_path), ENDPOINT: REMOTE}
    with pytest.raises(Unreachable, match="no embedded AWS runs here"):
        choose(Wanted(local=True), environment)
    with pytest.raises(Unreachable, match="is not on this machine"):
        choose(Wanted(local=True, endpoint=REMOTE), environment)


@pytest.mark.parametrize(
    "text",
    [
        "http://[",
        "http://localhost:99999",
        "http://localhost:0",
        "http://localhost:x",
        "localhost:4566",
        "ftp://localhost",
        "http://",
        "http://me@localhost",
        "http://localhost@example.org",
        "http://local\nhost",
        "http://local host",
        "\x1b[2J",
    ],
)
def test_what_is_no_url_is_said_to_be_none(tmp_path: Path, text: str):
    for wanted, environment in ((Wanted(endpoint=text), {}), (Wanted(), {ENDPOINT: text})):
        with pytest.raises(Unreachable, match="is no URL of an AWS") as refused:
            choose(wanted, {HOME: str(tmp_path), **environment})
        assert str(refused.value).isprintable()
    assert choose(Wanted(aws=True), {ENDPOINT: text}).endpoint is None
