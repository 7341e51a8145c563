"""The law of the readers, over many more files than `make test` has time for."""

import pytest

from tests.unit.test_readers_agree import CASES, hold, small_looks  # noqa: F401 - a fixture, used by its name

EXAMPLES = 300


@pytest.mark.parametrize("name", CASES)
def test_all_ways_to_cut_give_the_same_records_or_all_refuse(name: str) -> None:
    outcomes = hold(CASES[name], EXAMPLES)
    assert outcomes["read"] >= CASES[name].seldom * EXAMPLES
    assert outcomes["refused"] >= CASES[name].seldom * EXAMPLES
