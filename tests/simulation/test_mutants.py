"""The laws find each mechanism that is taken out of the core: by a history of a seed, or by one in words."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.simulation.history import play
from tests.simulation.mutants import MUTANTS, mutated
from tests.unit import test_histories

FIRST, SEEDS = 15, 120  # most mutants fall in the first histories, or in those in words


def pinned() -> Iterator[Callable[[], None]]:
    """Yield the histories in words."""
    for name, test in vars(test_histories).items():
        if name.startswith("test_"):
            yield from (partial(test, **given) for given in parameters(test))


def parameters(test: Callable[..., None]) -> list[dict[str, Any]]:
    """Return the arguments with which pytest calls a test: those of its `parametrize`, or none."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        return [{}]
    ((name, values),) = (mark.args for mark in marks)
    return [{name: value} for value in values]


def falls(seeds: range) -> bool:
    """Return whether the history of any of the seeds breaks a law."""
    return any(play(seed).violations for seed in seeds)


def breaks(history: Callable[[], None]) -> bool:
    try:
        history()
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("name", MUTANTS)
def test_the_laws_find(name: str):
    with mutated(name):
        assert falls(range(FIRST)) or any(map(breaks, pinned())) or falls(range(FIRST, SEEDS))


def test_the_histories_hold_without_a_mutant():
    assert not any(map(breaks, pinned()))
