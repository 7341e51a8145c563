"""What a run reads of its own is what it made: damage on the way is never green, and a resume mends it."""

from collections.abc import Callable

import pytest

from gristmill import keys
from gristmill.runs.cursor import Cursor
from gristmill.runs.locations import branch_keys, stage_keys
from gristmill.runs.repository import read_record
from tests.unit.still import StillStorage
from tests.unit.walk import event, resume, walk

LINES = [b"%d\n" % number for number in range(3)]
RESULTS = {
    "copied": b"".join(LINES),
    "doubled": b"".join(b"%d%d\n" % (number, number) for number in range(3)),
    "last": b"".join(b"%d%d\n" % (number, number) for number in range(3)),
    **{f"filed/{keys.task_name(number)}": line for number, line in enumerate(LINES)},
}


@pytest.fixture(autouse=True)
def pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRISTMILL_PIPELINES", "tests/pipelines")


@pytest.fixture
def store() -> StillStorage:
    return StillStorage()


def result(run: str, name: str) -> str:
    return keys.result("kept", "x", run, name)


def remove(store: StillStorage, key: str) -> None:
    store.delete(key)


def flip(store: StillStorage, key: str) -> None:
    body = store.read(key)
    store.put(key, bytes([body[0] ^ 1]) + body[1:])


def empty(store: StillStorage, key: str) -> None:
    store.put(key, b"")


def truncate(store: StillStorage, key: str) -> None:
    store.put(key, store.read(key)[:-3])


def spoil(store: StillStorage, key: str) -> None:
    store.put(key, b"\xff{garbage")


def erase(store: StillStorage, key: str) -> None:
    store.erase(key)


DAMAGE = (remove, flip, empty, truncate, spoil, erase)
Damage = Callable[[StillStorage, str], None]


def damaging(store: StillStorage, damage: Damage, stage: str, key: Callable[[str], str]) -> Callable[[Cursor], None]:
    """Return what does damage once, before a stage's first attempt."""

    def before(cursor: Cursor) -> None:
        if (cursor.stage, cursor.attempt) == (stage, 0):
            damage(store, key(cursor.run))

    return before


def check_results(store: StillStorage, run: str) -> None:
    assert {name: store.read(result(run, name)) for name in RESULTS} == RESULTS


def test_a_run_that_nobody_damages_has_all_its_results(store, claimant, monkeypatch):
    answer = walk(store, claimant, monkeypatch, event(store, "inputs/kept/x", RESULTS["copied"]))
    assert answer["reason"] == ""
    assert (answer["verdict"], answer["last"]) == ("COMPLETE", True)
    check_results(store, answer["run"])


@pytest.mark.parametrize(
    ("damage", "name", "stage"),
    [
        (remove, "copied", "second"),
        (flip, "copied", "second"),
        (erase, "copied", "second"),
        *((damage, "copied", "third") for damage in DAMAGE),
        (flip, "filed/000000000002", "third"),
        (remove, "filed/000000000002", "third"),
        (remove, "filed/files.csv", "third"),
    ],
)
def test_a_result_that_is_damaged_later_is_never_green_and_a_resume_merges_it_again(
    store, claimant, monkeypatch, damage, name, stage
):
    drop = event(store, "inputs/kept/x", RESULTS["copied"])
    before = damaging(store, damage, stage, lambda run: result(run, name))
    answer = walk(store, claimant, monkeypatch, drop, before)
    assert answer["verdict"] == "FAILED"
    if (damage, stage) != (erase, "second"):  # there the second stage has nothing to read any more
        branch = result(answer["run"], name.partition("/")[0] + ("/" if "/" in name else ""))
        assert answer["reason"] == (
            f"1 of its results are gone, or have other bytes than were merged: {branch}; "
            f"merge them again with: gristmill resume {answer['run']}"
        )
    again = resume(store, claimant, monkeypatch, answer["run"])
    assert (again["verdict"], again["last"]) == ("COMPLETE", True)
    check_results(store, answer["run"])


CONTROL = {
    "the first index": lambda record: stage_keys(record, "first").chunks,
    "how the first stage is cut": lambda record: stage_keys(record, "first").cut,
    "what the first stage has made": lambda record: branch_keys(record, "first", "copied").published,
    "a finding": lambda record: keys.check(record.run, "first", 0),
    "the estimate": lambda record: keys.estimate(record.run),
}


@pytest.mark.parametrize("damage", [spoil, truncate, erase])
@pytest.mark.parametrize("what", CONTROL)
def test_what_is_recorded_of_a_stage_is_made_again(store, claimant, monkeypatch, damage, what):
    """Damage done before the next stage begins: the run ends well all the same, or a resume ends it well."""

    def key(run: str) -> str:
        return CONTROL[what](read_record(store, run))

    drop = event(store, "inputs/kept/x", RESULTS["copied"])
    answer = walk(store, claimant, monkeypatch, drop, damaging(store, damage, "second", key))
    if answer["verdict"] != "COMPLETE":
        answer = resume(store, claimant, monkeypatch, answer["run"])
    assert (answer["verdict"], answer["last"]) == ("COMPLETE", True)
    check_results(store, answer["run"])


@pytest.mark.parametrize("damage", [spoil, truncate, remove])
def test_parts_that_are_gone_when_they_are_listed_are_made_again(store, claimant, monkeypatch, damage):
    def receipt(run: str) -> str:
        place = branch_keys(read_record(store, run), "second", "doubled")
        return next(found.key for found in store.list(place.receipts))

    drop = event(store, "inputs/kept/x", RESULTS["copied"])
    answer = walk(store, claimant, monkeypatch, drop, damaging(store, damage, "third", receipt))
    assert answer["verdict"] == "FAILED"
    assert f"parts of doubled are gone. Make them again with: gristmill resume {answer['run']}" in answer["reason"]
    again = resume(store, claimant, monkeypatch, answer["run"])
    assert (again["verdict"], again["last"]) == ("COMPLETE", True)
    check_results(store, answer["run"])


@pytest.mark.parametrize("damage", [remove, spoil])
def test_a_run_whose_record_is_gone_says_that_it_cannot_go_on(store, claimant, monkeypatch, damage):
    drop = event(store, "inputs/kept/x", RESULTS["copied"])
    answer = walk(store, claimant, monkeypatch, drop, damaging(store, damage, "second", keys.run_record))
    assert answer["verdict"] == "FAILED"
    assert answer["reason"].startswith(f"runs/{answer['run']}/run.json ")
    assert answer["reason"].endswith(". The run cannot go on: drop the file again.")
