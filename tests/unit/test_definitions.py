"""Which job definitions a run is frozen with."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from gristmill.batch.definitions import Definition, find_definitions
from gristmill.batch.lanes import Lane
from gristmill.enums import LaneName
from gristmill.errors import Refused
from gristmill.pipeline.loading import load
from gristmill.steps.split.claim import claim
from gristmill.steps.split.generation import redefined
from tests.unit.conftest import ROOTS
from tests.unit.walk import event, read_request

ARN = "arn:aws:batch:us-east-1:123456789012:job-definition"
LANES = {LaneName.CPU: Lane("queue", f"{ARN}/cpu:3", 4.0), LaneName.MPI: Lane("queue", f"{ARN}/mpi:1", 4.0)}
REGISTERED = [(name, revision) for name in ("cpu", "mpi", "own") for revision in range(1, 13)]


def described(name: str, revision: int) -> dict[str, Any]:
    container = {"image": f"{name}-image:{revision}"}
    nodes = {"nodeProperties": {"nodeRangeProperties": [{"container": container}]}}
    shape = nodes if name == "mpi" else {"containerProperties": container}
    status = "INACTIVE" if (name, revision) == ("own", 12) else "ACTIVE"
    return {"jobDefinitionArn": f"{ARN}/{name}:{revision}", "revision": revision, "status": status, **shape}


def paginate(
    jobDefinitions: list[str] | None = None, jobDefinitionName: str = "", status: str = ""
) -> Iterator[dict[str, Any]]:
    for name, revision in REGISTERED:
        names = f"{name}:{revision}", f"{ARN}/{name}:{revision}"
        if name == jobDefinitionName or (jobDefinitions and jobDefinitions[0] in names):
            found = described(name, revision)
            yield {"jobDefinitions": [found] if status in ("", found["status"]) else []}


BATCH = SimpleNamespace(get_paginator=lambda _name: SimpleNamespace(paginate=paginate))


def frozen_with(job_definition: str | None) -> set[Definition]:
    pipeline = load("strings", ROOTS).model_copy(update={"job_definition": job_definition})
    return set(find_definitions(BATCH, LANES, pipeline, {}).values())


def test_branch_is_frozen_with_the_revision_of_its_lane_or_of_its_own() -> None:
    assert frozen_with(None) == {Definition(f"{ARN}/cpu:3", "cpu-image:3")}
    assert frozen_with("own:7") == {Definition(f"{ARN}/own:7", "own-image:7")}
    assert frozen_with("own") == {Definition(f"{ARN}/own:11", "own-image:11")}
    nodes = find_definitions(BATCH, LANES, load("mpi-hello", ROOTS), {})
    assert set(nodes.values()) == {Definition(f"{ARN}/mpi:1", "mpi-image:1")}


@pytest.mark.parametrize("name", ["nowhere", "own:99", "own:12"])
def test_definition_that_is_not_registered_is_refused(name: str) -> None:
    with pytest.raises(Refused, match=f"job definition {name} is not registered"):
        frozen_with(name)


def test_drop_whose_definition_is_not_registered_is_refused_with_why(store, claimant) -> None:
    def refuse(_pipeline: object, _registered: object) -> dict[str, Definition]:
        raise Refused(["job definition own is not registered"], "Register it.")

    request = read_request(event(store, "inputs/strings/x.txt", b"a\n"), store.bucket)
    record = claim(store, request, replace(claimant, definitions=refuse))
    assert record.faults == ["job definition own is not registered. Register it."]


def test_branches_that_a_change_keeps_keep_their_image(store, claimant) -> None:
    def now(image: str) -> Any:
        return lambda pipeline, _registered: {
            branch.name: Definition(f"{ARN}/{image}:1", image) for stage in pipeline.stages for branch in stage.branches
        }

    request = read_request(event(store, "inputs/strings/x.txt", b"a\n"), store.bucket)
    before = claim(store, request, replace(claimant, definitions=now("old")))
    name, *others = before.fingerprints
    changed = before.model_copy(update={"fingerprints": {**before.fingerprints, name: "f" * 16}})
    after = redefined(before, changed, now("new"))
    assert after.images == {name: "new", **dict.fromkeys(others, "old")}
    assert after.definitions[name] == f"{ARN}/new:1"
