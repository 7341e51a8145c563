"""An embedded AWS that another version of Gristmill has started is pointed out, with the way to a new one."""

import pytest

from gristmill import __version__
from gristmill.client import version
from gristmill.client.version import PROGRAM, difference


@pytest.mark.parametrize("started_by", ["", PROGRAM])
def test_the_same_version_and_an_unknown_one_are_not_worth_a_word(started_by: str) -> None:
    assert difference(started_by) is None


def test_another_version_is_pointed_out_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "PROGRAM", "gristmill 99")
    assert difference(PROGRAM) == (
        f"This is gristmill 99, but the embedded AWS was started by gristmill {__version__}. "
        "Start it anew (its buckets, runs and stacks go): gristmill local down && gristmill local up"
    )
