"""The core's own flow, without a state machine: what each function leaves is what the next one needs."""

import pytest

from gristmill import keys
from gristmill.runs.committed import read_committed
from gristmill.runs.cursor import Cursor
from gristmill.runs.locations import branch_keys
from gristmill.runs.repository import read_record
from gristmill.steps.check_output.check_output import check_output
from tests.unit.walk import CLUES, event, walk, work

TEXT = "one\n\ntwo äö\r\nthree 🌾\r\n\r\nend".encode()
REPEAT = "oneone\n\ntwo äötwo äö\r\nthree 🌾three 🌾\r\n\r\nendend".encode()
REVERSE = "eno\n\nöä owt\r\n🌾 eerht\r\n\r\ndne".encode()


@pytest.fixture(autouse=True)
def pipelines(monkeypatch):
    monkeypatch.setenv("GRISTMILL_PIPELINES", "tests/pipelines")


@pytest.mark.parametrize("size", [{"lines-per-task": "1"}, {"lines-per-task": "4"}, {"bytes-per-task": "5"}, {}])
def test_strings_gives_the_same_result_for_any_chunk_size(store, claimant, monkeypatch, size):
    drop = event(store, "inputs/strings/a/b c.txt", TEXT, **size)
    answer = walk(store, claimant, monkeypatch, drop)
    assert (answer["verdict"], answer["last"]) == ("COMPLETE", True)
    results = keys.results_prefix("strings", "a/b c.txt", answer["run"])
    assert store.read(results + "repeat.txt") == REPEAT
    assert store.read(results + "reverse.txt") == REVERSE


def test_only_the_failed_task_is_done_again(store, claimant, monkeypatch, tmp_path):
    drop = event(store, "inputs/trouble/x", b"a\nBAD\nb\nc\n", mode="twice", marks=str(tmp_path))
    answer = walk(store, claimant, monkeypatch, drop)
    assert (answer["verdict"], answer["last"], answer["attempt"]) == ("COMPLETE", True, 2)
    assert len(list(tmp_path.iterdir())) == 3
    assert store.read(keys.result("trouble", "x", answer["run"], "copied")) == b"a\nBAD\nb\nc\n"


def test_a_task_that_always_fails_ends_the_run_with_its_cause(store, claimant, monkeypatch, tmp_path):
    drop = event(store, "inputs/trouble/x", b"a\nBAD\nb\nc\n", mode="always", marks=str(tmp_path))
    answer = walk(store, claimant, monkeypatch, drop)
    assert answer["verdict"] == "FAILED"
    assert answer["reason"] == "copied: 1 of 4 tasks have no output (ValueError: the grain is wet)"


def test_bad_utf8_fails_the_reversing_branch_and_says_where(store, claimant, monkeypatch):
    drop = event(store, "inputs/strings/x.txt", b"fine\n\xff\xfe\n")
    answer = walk(store, claimant, monkeypatch, drop)
    assert answer["verdict"] == "FAILED"
    assert "not UTF-8 at byte 5" in answer["reason"]


def test_two_stages(store, claimant, monkeypatch):
    drop = event(store, "inputs/words/x.txt", b"a b\n" * 1000)
    answer = walk(store, claimant, monkeypatch, drop)
    assert (answer["verdict"], answer["stage"]) == ("COMPLETE", "count")
    assert store.read(keys.result("words", "x.txt", answer["run"], "counted.txt")) == b"2 A B\n" * 1000


def test_a_stray_or_broken_receipt_commits_nothing(store, claimant, monkeypatch):
    drop = event(store, "inputs/strings/x.txt", TEXT, **{"lines-per-task": "4"})
    run = walk(store, claimant, monkeypatch, drop)["run"]
    branch = branch_keys(read_record(store, run), "map", "repeat")
    receipts = [receipt.key for receipt in store.list(branch.receipts)]
    assert read_committed(store, branch, 2).missing == []
    for stray in ("stray", "000000000000-000000000009.json", "sub/000000000000-000000000002.json"):
        store.put(branch.receipts + stray, b"{")
    assert read_committed(store, branch, 2).missing == []
    for body in (b"", b"{", b"5", store.read(receipts[-1]).replace(b'"etag"', b'"also"'), b"\xff"):
        store.put(receipts[-1], body)
        missing = read_committed(store, branch, 2).missing
        assert [str(span) for span in missing] == [receipts[-1].rpartition("/")[2].removesuffix(".json")]
    work(store, monkeypatch, Cursor(run, "map", 1))
    assert read_committed(store, branch, 2).missing == []


def test_figures_are_those_that_were_merged_whatever_lies_there_by_now(store, claimant, monkeypatch):
    wet, dry = (b'{"error": %d, "sieve": {"noise": 0}}' % error for error in (2, 0))
    answer = walk(store, claimant, monkeypatch, event(store, "inputs/checked/x.json", wet))
    assert (answer["verdict"], answer["reason"][:17]) == ("FAILED", "figures: error is")
    cursor = Cursor(answer["run"], "look", answer["attempt"])
    store.put(keys.result("checked", "x.json", answer["run"], "figures.json"), dry)
    assert check_output(store, CLUES, cursor, {})["verdict"] == "INCOMPLETE"  # to be merged again
    monkeypatch.setattr("gristmill.steps.check_output.examine.is_published", lambda *_: True)  # it looked before
    again = check_output(store, CLUES, cursor, {})
    assert (again["verdict"], again["reason"]) == ("FAILED", answer["reason"])
