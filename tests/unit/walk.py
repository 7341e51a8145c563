"""Walks a drop through Split, JobMap, children, Merge and CheckOutput in this process."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import ClientError

from gristmill.batch.lanes import Lane
from gristmill.enums import Compute
from gristmill.errors import GristmillError
from gristmill.runs.cursor import Cursor
from gristmill.runs.repository import read_record
from gristmill.runs.request import read_request
from gristmill.steps.check_output.causes import CauseClients
from gristmill.steps.check_output.check_output import check_output
from gristmill.steps.job_map.job_map import job_map
from gristmill.steps.merge.merge import merge
from gristmill.steps.split.claimant import Claimant
from gristmill.steps.split.split import split
from gristmill.storage.s3 import S3Storage
from gristmill.worker.child.__main__ import _begin
from gristmill.worker.child.deadline import Termination
from gristmill.worker.child.setting import read_setting

LANES = {Compute.CPU: Lane("queue", "definition", 3)}


class NoBatch:
    """A Batch that has no jobs."""

    def get_paginator(self, _name: str) -> "NoBatch":
        return self

    def paginate(self, **_which: Any) -> list[dict[str, Any]]:
        return [{"jobSummaryList": []}]


CLUES = CauseClients(NoBatch(), None, ["queue"], "jobs")


def event(store: S3Storage, key: str, body: bytes, **metadata: str) -> dict[str, Any]:
    put = store.client.put_object(Bucket=store.bucket, Key=key, Body=body, Metadata=metadata)
    item = {"key": key, "size": len(body), "etag": put["ETag"].strip('"'), "version-id": put["VersionId"]}
    detail = {"bucket": {"name": store.bucket}, "object": {**item, "sequencer": "00"}}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def work(store: S3Storage, monkeypatch: Any, cursor: Cursor) -> dict[str, Any]:
    """Run every child of one attempt and merge; return CheckOutput's answer."""
    mapped = job_map(store, LANES, cursor)
    for branch in mapped["arrays"]:
        for group in branch["groups"]:
            for child in range(group["size"]):
                _child(store, monkeypatch, group, child)
        merge(store, cursor, branch["branch"])
    return check_output(store, CLUES, cursor, {})


def _child(store: S3Storage, monkeypatch: Any, group: dict[str, Any], child: int) -> None:
    arguments = [word for name, value in group["parameters"].items() for word in (f"--{name}", value)]
    environment = {
        "BUCKET": store.bucket,
        "AWS_BATCH_JOB_ARRAY_INDEX": str(child),
        "AWS_BATCH_JOB_ARRAY_SIZE": str(group["size"]),
    }
    # a child that such an error ends has failed
    with suppress(GristmillError, ClientError), TemporaryDirectory() as place:
        _begin(read_setting(arguments, environment), store, Path(place), Termination()).run()


def walk(
    store: S3Storage,
    claimant: Claimant,
    monkeypatch: Any,
    event: dict[str, Any],
    before: Callable[[Cursor], None] = lambda _cursor: None,
) -> dict[str, Any]:
    """Walk to the end; return the last answer. `before` is called before each attempt at a stage."""
    request = read_request(event, store.bucket)
    answer = _or_failed(request.run, lambda: split(store, request, claimant))
    while answer["verdict"] in ("GO", "INCOMPLETE") or (answer["verdict"] == "COMPLETE" and not answer["last"]):
        cursor = Cursor(answer["run"], answer["stage"], answer["attempt"])
        before(cursor)
        answer = _or_failed(cursor.run, partial(work, store, monkeypatch, cursor))
    return answer


def _or_failed(run: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return an answer; what a function raises takes the state machine to its one failure exit."""
    try:
        return act()
    except (GristmillError, ClientError) as error:
        return {"run": run, "verdict": "FAILED", "last": False, "reason": str(error)}


def resume(store: S3Storage, claimant: Claimant, monkeypatch: Any, run: str) -> dict[str, Any]:
    """Have another execution take a run over, and walk it to the end; return the last answer."""
    fence = read_record(store, run).fence
    other = replace(claimant, execution=f"{claimant.execution}-resume-{fence}")
    return walk(store, other, monkeypatch, {"resume": {"run": run, "fence": fence}})
