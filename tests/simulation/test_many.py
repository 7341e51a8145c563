"""Ten thousand histories, and not a law broken in any of them."""

import pytest

from tests.simulation.history import play, report

SHARE = 1_000
FIRST = 300  # the first are played by `make test`


@pytest.mark.parametrize("first", range(FIRST, FIRST + 10 * SHARE, SHARE))
def test_every_law_holds(first: int):
    worlds = (play(seed) for seed in range(first, first + SHARE))
    broken = [report(world) for world in worlds if world.violations]
    if broken:
        pytest.fail("\n".join(broken))  # whole: an assertion would be shortened, and seeds lost
