"""Batches: their note, their list of items, and how they stand by what was fed and what ended."""

import json

import pytest

from gristmill import keys
from gristmill.batches.ends import progress_of
from gristmill.batches.items import Item, parse_items, render_items
from gristmill.batches.note import parse_batch_note
from gristmill.enums import RunStatus
from gristmill.errors import Refused
from gristmill.keys import End, Place
from gristmill.runs.note import NotedObject

LIST = {"key": "uploads/a/items.jsonl", "version": "7"}


def item(n: int, name: str = "", **more: object) -> dict[str, object]:
    return {"n": n, "name": name or f"s{n}", "input": "uploads/a/f.txt", **more}


def lines(*items: object) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in items)


def test_a_note_has_what_its_runs_share():
    raw = {"contract": 1, "items": LIST, "params": {"k": "2"}, "owner": "Ada", "max_cost": 2.5, "version": "3"}
    note = parse_batch_note("inputs/words/a.batch.json", json.dumps(raw).encode())
    assert (note.at_once, note.items) == (20, NotedObject(**LIST))
    assert note.metadata == {"k": "2", "owner": "Ada", "max-cost": "2.500000", "gristmill_version": "3"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at_once": 0}, "at_once"),
        ({"at_once": 1001}, "at_once"),
        ({"contract": 2}, "contract"),
        ({"more": 1}, "more"),
        ({"params": {"owner": "x"}}, "owner is no parameter"),
        ({"max_cost": -1}, "max_cost"),
    ],
)
def test_a_note_that_is_none_is_refused(change: dict[str, object], message: str):
    with pytest.raises(Refused, match=message):
        parse_batch_note("inputs/words/a.batch.json", json.dumps({"contract": 1, "items": LIST, **change}).encode())


def test_a_list_reads_as_it_was_written():
    listed = [Item.model_validate(item(1, "a=1,b")), Item.model_validate(item(2, params={"k": "ä"}))]
    assert parse_items(render_items(listed)) == listed


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "the list of items is empty"),
        (lines(item(1)) + b"{\n", "line 2: "),
        (lines(item(1), item(3)), "line 2: n is 3, and must be the line's number"),
        (lines(item(1, "a"), item(2, "a")), "line 2: a is the name of line 1, too"),
        (lines(item(1, "a/b")), "line 1: name"),
        (lines(item(1, params={"gristmill_x": "1"})), "line 1: params: gristmill_x is no parameter"),
        (b'{"n": 1, "name": "a", "name": "b", "input": "uploads/a"}\n', "line 1: name is given twice"),
        (lines(*[item(n) for n in range(1, 10_002)]), "the batch has 10,001 items; there may be 10,000 at most"),
    ],
)
def test_a_list_that_is_none_is_refused_by_its_line(raw: bytes, fault: str):
    with pytest.raises(Refused) as refused:
        parse_items(raw)
    assert refused.value.faults[0].startswith(fault)


def test_keys_of_items_are_read_as_they_were_made():
    place, end = Place(7, 2), End(Place(7, 2), RunStatus.TIMED_OUT)
    assert keys.parse_fed(keys.fed_item("ab", place)) == place
    assert keys.parse_ended(keys.ended_item("ab", end)) == end
    assert keys.parse_ended(keys.ended_item("ab", End(place, RunStatus.RUNNING))) is None
    assert keys.parse_input(keys.batch_note_key("words", "my/batch")) == keys.Dropped("words", "my/batch")


def test_the_newest_round_of_an_item_counts_and_a_success_before_any_other_end():
    fed = [Place(1, 1), Place(2, 1), Place(2, 2), Place(3, 1), Place(4, 1)]
    ended = [
        End(Place(1, 1), RunStatus.SUCCEEDED),
        End(Place(2, 1), RunStatus.FAILED),
        End(Place(3, 1), RunStatus.SUCCEEDED),
        End(Place(3, 1), RunStatus.TIMED_OUT),
        End(Place(9, 1), RunStatus.FAILED),
    ]
    found = progress_of(fed, ended)
    assert found.running == {2: 2, 4: 1}
    assert found.ended == {1: RunStatus.SUCCEEDED, 3: RunStatus.SUCCEEDED}
