"""Chains: a run that has succeeded starts the next one, once; what bites its own tail is refused and told."""

import copy
import json
from dataclasses import dataclass
from typing import Any

import pytest

from gristmill import keys
from gristmill.enums import RunStatus
from gristmill.errors import Refused
from gristmill.limits import ANCESTORS_MAX, S3_KEY_MAX_BYTES
from gristmill.runs.chained import Ancestor
from gristmill.runs.note import parse_note
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import find_outcome, read_record
from gristmill.runs.request import read_request
from gristmill.steps.notify.chain import refusal
from gristmill.steps.split.claimant import Claimant
from gristmill.steps.split.split import split
from gristmill.storage.s3 import S3Storage
from tests.unit.catalogues import make_catalogue
from tests.unit.test_end_notice import History, Outbox
from tests.unit.test_pipeline import GOOD, load
from tests.unit.walk import event, walk


@dataclass
class Chains:
    """Runs that start each other, each walked to its end."""

    store: S3Storage
    claimant: Claimant
    monkeypatch: pytest.MonkeyPatch
    catalogue: Any

    def succeed(self, given: dict[str, Any]) -> History:
        """Walk a run to its success, and notify of it twice."""
        answer = walk(self.store, self.claimant, self.monkeypatch, given)
        assert (answer["verdict"], answer["last"]) == ("COMPLETE", True)
        request = read_request(given, self.store.bucket)
        history = History(self.store, self.claimant, request, given, Outbox(), self.catalogue)  # type: ignore[arg-type]
        for _ in range(2):
            history.asks("SUCCEEDED")
        return history

    def notes(self) -> dict[str, dict[str, Any]]:
        """Return the event of each note that was written, by its pipeline."""
        pages = self.store.client.list_object_versions(Bucket=self.store.bucket, Prefix=keys.INPUTS)["Versions"]
        found = [item for item in pages if keys.is_note(item["Key"])]
        assert len({item["Key"] for item in found}) == len(found), "a note was written twice"
        return {keys.parse_input(item["Key"]).pipeline: self._event(item) for item in found}

    def _event(self, item: dict[str, Any]) -> dict[str, Any]:
        made = {"key": item["Key"], "size": item["Size"], "etag": item["ETag"].strip('"'), "sequencer": "00"}
        detail = {"bucket": {"name": self.store.bucket}, "object": {**made, "version-id": item["VersionId"]}}
        return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


@pytest.fixture
def chains(store: S3Storage, claimant: Claimant, monkeypatch: pytest.MonkeyPatch) -> Chains:
    return Chains(store, claimant, monkeypatch, make_catalogue())


def started(history: History) -> list[tuple[str, str]]:
    outcome = find_outcome(history.store, history.run, history.claimant.execution)
    assert outcome is not None
    return [(chained.pipeline, chained.run) for chained in outcome.then]


def test_a_chain_that_bites_its_tail_ends_and_says_so(chains: Chains):
    first = chains.succeed(event(chains.store, "inputs/tick/a.txt", b"a\n", owner="mill", **{"max-cost": "2"}))
    (note,) = chains.notes().values()
    next_run = read_request(note, chains.store.bucket).run
    assert started(first) == [("tock", next_run)]
    assert f"then: tock -> run {next_run}" in first.box.texts[0]

    second = chains.succeed(note)
    record = read_record(chains.store, next_run)
    assert record.origin == [Ancestor(pipeline="tick", run=first.run)]
    assert (record.owner, record.max_cost, record.parameters) == ("mill", 2.0, {"mark": "äö, 1", "often": 3})
    assert record.input.key.startswith(f"results/tick/a.txt/{first.run}/copied") and record.input.version
    text = second.box.texts[0]
    assert f"Started by run {first.run} of tick" in text
    loop = f"then: tick was not started on copied: run {first.run} of tick is among those that led here"
    assert loop in text and "take it out of `then` in the pipeline.yaml of tock" in text
    assert set(chains.notes()) == {"tock", "absent", "words"}

    for name, fault in (("absent", "there is no pipeline 'absent'"), ("words", "must end in one of: .txt, .md")):
        answer = split(chains.store, read_request(chains.notes()[name], chains.store.bucket), chains.claimant)
        assert (answer["verdict"], fault in answer["reason"]) == ("INVALID", True)


@pytest.mark.parametrize("status", ["FAILED", "PARTIAL", "ABORTED", "TIMED_OUT"])
def test_a_run_without_success_starts_nothing(chains: Chains, status: str):
    given = event(chains.store, "inputs/tick/a.txt", b"a\n")
    request = read_request(given, chains.store.bucket)
    split(chains.store, request, chains.claimant)
    history = History(chains.store, chains.claimant, request, given, Outbox(), chains.catalogue)  # type: ignore[arg-type]
    history.asks(status) if status != "ABORTED" else history.ends(status)
    assert history.box.sent == [status]
    assert chains.notes() == {}


def test_a_note_of_somebody_else_in_its_place_is_left_and_told(chains: Chains):
    given = event(chains.store, "inputs/tick/a.txt", b"a\n")
    run = read_request(given, chains.store.bucket).run
    chains.store.put(keys.note_key("tock", f"a.txt-copied-{run}-1"), b"{}")
    history = chains.succeed(given)
    assert started(history) == [("tock", "")]
    assert "something else lies under inputs/tock/a.txt-copied-" in history.box.texts[0]


def test_every_end_is_an_event_for_others(chains: Chains):
    history = chains.succeed(event(chains.store, "inputs/tick/a.txt", b"a\n", owner="mill"))
    (entry,) = history.bus.entries
    assert (entry["Source"], entry["DetailType"]) == ("gristmill", "Gristmill Run Ended")
    detail = json.loads(entry["Detail"])
    wanted = {"contract": 1, "run": history.run, "pipeline": "tick", "status": "SUCCEEDED", "batch": None}
    assert {name: detail[name] for name in wanted} == wanted
    assert detail["results"] == [f"results/tick/a.txt/{history.run}/copied.txt"]
    assert detail["then"][0]["pipeline"] == "tock"


def test_an_event_that_is_not_taken_keeps_no_notice_back(chains: Chains):
    given = event(chains.store, "inputs/tick/a.txt", b"a\n")
    walk(chains.store, chains.claimant, chains.monkeypatch, given)
    request = read_request(given, chains.store.bucket)
    history = History(chains.store, chains.claimant, request, given, Outbox(), chains.catalogue)  # type: ignore[arg-type]
    history.bus.answer = {"ErrorCode": "InternalFailure", "ErrorMessage": "no"}
    assert history.asks("SUCCEEDED")["unpublished"] == "InternalFailure: no"
    assert history.box.sent == [RunStatus.SUCCEEDED]


def record_of(*origin: str) -> RunRecord:
    made = RunRecord.model_construct(run="f" * 16, dropped=keys.Dropped("own", "a"))
    return made.model_copy(update={"origin": [Ancestor(pipeline=name, run="0" * 16) for name in origin]})


def test_what_would_not_end_is_refused():
    others = [f"p{number}" for number in range(ANCESTORS_MAX)]
    assert refusal(record_of(*others[:-1]), "next", "k") == ""
    assert "8 runs, one after another, have led here" in refusal(record_of(*others), "next", "k")
    assert "run ffffffffffffffff of own is among those" in refusal(record_of(), "own", "k")
    assert "is among those that led here" in refusal(record_of(*others[:3]), "p1", "k")
    assert "too long for S3" in refusal(record_of(), "next", "k" * (S3_KEY_MAX_BYTES + 1))


def test_a_note_tells_no_more_ancestors_than_there_may_be():
    origin = [{"pipeline": "p", "run": "0" * 16}] * (ANCESTORS_MAX + 1)
    note = {"contract": 1, "input": "uploads/a", "origin": origin}
    with pytest.raises(Refused, match="is no drop note"):
        parse_note("inputs/p/a.drop.json", json.dumps(note).encode())


@pytest.mark.parametrize(
    ("chain", "fault"),
    [
        ({"pipeline": "mine", "input": "made"}, "then.0.pipeline: a run of mine would start the next one"),
        ({"pipeline": "x", "input": "mad"}, "then.0.input: mad is no branch whose output is one result (there"),
        ({"pipeline": "x", "input": "made", "params": {"k": None}}, "then.0.params.k: is no text, number, boolean or"),
        ({"pipeline": "x", "input": "made", "params": {"k": {}}}, "then.0.params.k: is no text, number, boolean or"),
        ({"pipeline": "x"}, "then.0.input: is missing"),
        ({"pipeline": "X y", "input": "made"}, "then.0.pipeline: must be a name of small letters"),
    ],
)  # fmt: skip
def test_what_cannot_come_after_is_refused(tmp_path, chain: dict[str, Any], fault: str):
    with pytest.raises(Refused) as caught:
        load(tmp_path, {**copy.deepcopy(GOOD), "then": [chain]})
    assert fault in "\n".join(caught.value.faults)


def test_the_same_is_not_started_twice(tmp_path):
    chain = {"pipeline": "x", "input": "made", "params": {"k": 1}}
    load(tmp_path, {**copy.deepcopy(GOOD), "then": [chain, {**chain, "params": {"k": 2}}]})
    with pytest.raises(Refused, match=r"then.1: x is started on made twice"):
        load(tmp_path, {**copy.deepcopy(GOOD), "then": [chain, chain]})
