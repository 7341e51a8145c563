"""The cache between runs: what the identity of a branch is made of, and that a damaged entry is never used."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from gristmill.cache.entry import CachedOutput, Entry
from gristmill.cache.identity import identities, unpinned
from gristmill.enums import CheckVerdict
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.rules import faults
from gristmill.runs.findings import BranchFinding, Counts
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.records import LeftOut, RunRecord
from gristmill.steps.check_output.verdict import cache_notes, judge
from tests.unit.test_fingerprints import CLEAN, CODE_B, COUNT, record_of

DIGEST = "repository@sha256:" + "0" * 64
SHA = "SHA256 abc="


def run_of(image: str = DIGEST, revision: int = 1, **more: Any) -> RunRecord:
    given: dict[str, Any] = {"cache": True, **more}
    known = given.pop("input", {})
    made = record_of(**given)
    names = ("clean", "other", "count", "solve")
    update = {
        "images": dict.fromkeys(names, image),
        "definitions": {name: f"definition/{name}:{revision}" for name in names},
        "input": made.input.model_copy(update=known),
    }
    return made.model_copy(update=update)


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"input": {"etag": "b"}}, True),
        ({"input": {"version": "w"}}, False),
        ({"input": {"key": "inputs/p/y"}}, False),
        ({"input": {"key": "inputs/p/x.csv"}}, False),
        ({"clean": {**CLEAN, "memory": 4096, "attempts": 1}}, True),
        ({"clean": {**CLEAN, "run": "jobs:wash"}}, False),
        ({"code": CODE_B}, False),
        ({"values": {"size": 11, "nodes": 2}}, False),
        ({"image": "repository@sha256:" + "1" * 64}, False),
        ({"revision": 2}, False),
    ],
)
def test_only_what_decides_an_output_is_in_its_identity(change: dict[str, Any], is_same: bool):
    before, after = identities(run_of()), identities(run_of(**change))
    assert set(before) == set(after) == {"clean", "other", "count", "solve"}
    assert (before["count"] == after["count"]) is is_same


def test_the_same_verified_bytes_are_the_same_wherever_they_lie():
    elsewhere = {"key": "inputs/p/y", "version": None, "etag": "z", "sha256": SHA}
    assert identities(run_of(input={"sha256": SHA})) == identities(run_of(input=elsewhere))
    assert identities(run_of(input={"sha256": SHA})) != identities(run_of(input={"sha256": "SHA256 abd="}))


def test_what_cannot_be_told_apart_has_no_identity():
    assert identities(run_of(input={"version": None})) == {}
    assert identities(run_of(input={"version": "null"})) == {}
    tagged = run_of(image="repository:latest")
    assert identities(tagged) == {}
    assert "repository:latest has no digest" in unpinned(tagged, tagged.pipeline.stages[0].branches[0])  # type: ignore[union-attr]
    assert identities(run_of(image="")) == {}
    assert set(identities(run_of(image="none"))) == {"clean", "other", "count", "solve"}
    partial = {"clean": LeftOut(count=1, tasks=2, digest="0" * 16)}
    assert identities(run_of().model_copy(update={"left_out": partial})) == {}


@pytest.mark.parametrize(
    ("count", "second", "is_cached"),
    [
        ({}, {}, True),
        ({"cache": False}, {}, False),
        ({"merge": "none"}, {}, False),
        ({"secrets": {"KEY": "ssm:/key"}}, {}, False),
        ({"secrets": {"KEY": "ssm:/key"}, "cache": True}, {}, True),
        ({"run": None, "command": ["x", "{run}", "{output}"]}, {}, False),
        ({"run": None, "script": 'echo "${RUN}" > "$OUTPUT"'}, {}, False),
    ],
)
def test_branches_are_reused_as_they_and_their_pipeline_say(
    count: dict[str, Any], second: dict[str, Any], is_cached: bool
):
    assert ("count" in identities(run_of(count={**COUNT, **count}, second=second))) is is_cached


@pytest.mark.parametrize(
    ("count", "why"),
    [
        ({"merge": "none"}, "only merged outputs are reused, and it has one that is not"),
        ({"run": None, "command": ["x", "{run}", "{output}"]}, "it names the run, another one each time"),
    ],
)
def test_a_branch_that_cannot_be_reused_is_refused_where_it_asks(count: dict[str, Any], why: str):
    pipeline = record_of(count={**COUNT, "cache": True, **count}).pipeline
    assert isinstance(pipeline, Pipeline)
    assert (("stages", 1, "branches", 0, "cache"), f"true is of no use: {why}") in list(faults(pipeline))


def test_a_branch_whose_parts_are_read_cannot_be_reused():
    second = {"split": {"records": "parts"}}
    assert "clean" not in identities(run_of(second=second))
    assert "other" in identities(run_of(second=second))


def an_entry() -> Entry:
    counts = Counts(tasks=2, done=2, records_in=4, records_out=4, bytes_in=8, bytes_out=8)
    made = ObjectVersion(key="results/p/x/r/clean.txt", version="v", etag="e", size=8)
    output = CachedOutput(object=made, checksum="CRC32 AA==", counts=counts)
    at = datetime(2026, 1, 2, tzinfo=UTC)
    whole = {"pipeline": "p", "branch": "clean", "run": "0" * 16, "at": at, "outputs": {"": output}, "dollars": 1.2}
    return Entry(identity="a" * 64, **whole).sealed()


def test_no_flipped_byte_of_an_entry_is_used():
    body = an_entry().model_dump_json().encode()
    assert Entry.model_validate_json(body).is_sound
    for place in range(len(body)):
        for mask in (1, 32):
            flipped = body[:place] + bytes([body[place] ^ mask]) + body[place + 1 :]
            try:
                read = Entry.model_validate_json(flipped)
            except ValidationError:
                continue
            assert not read.is_sound or read == an_entry(), flipped


def test_what_was_copied_and_does_not_hold_costs_no_attempt():
    stage = record_of(clean={**CLEAN, "attempts": 1}).pipeline.stages[0]  # type: ignore[union-attr]
    counts = {"tasks": 2, "records_in": 0, "records_out": 0, "bytes_in": 0, "bytes_out": 0, "failures": []}
    missing = BranchFinding(
        branch="clean", done=0, missing=2, output=None, problem=None, reused="R", uncached="it is gone", **counts
    )
    whole = BranchFinding(branch="other", done=2, missing=0, output="o", problem=None, **counts)
    verdict, reason = judge(stage, [missing, whole], 1)
    assert (verdict, "what was reused of run R does not hold: it is gone" in reason) == (CheckVerdict.INCOMPLETE, True)
    assert judge(stage, [missing, whole], 2)[0] is CheckVerdict.FAILED
    assert judge(stage, [missing.model_copy(update={"reused": ""}), whole], 1)[0] is CheckVerdict.FAILED
    assert cache_notes([missing]) == ["clean was not reused of another run: it is gone"]
