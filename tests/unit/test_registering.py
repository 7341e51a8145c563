"""Job definitions of branches' own: what they take of the stack's, and what cannot be. Pure."""

from pathlib import Path
from typing import Any

import pytest

from gristmill.batch.definitions import Definition, find_definitions
from gristmill.batch.registering import own_definition, secret_faults
from gristmill.errors import Refused
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.loading import read, read_content
from gristmill.runs.code import Registered
from tests.unit.test_definitions import ARN, BATCH, LANES

IMAGE = f"example.org/tools/caller@sha256:{'a1' * 32}"
PLACE = "ssm:/gristmill/mill/key"
CONTAINER = {"image": "stack:1", "command": ["python", "-m", "worker"], "jobRoleArn": "role", "mountPoints": []}
SAME = {"parameters": {"run": "none"}, "retryStrategy": {"attempts": 3}, "timeout": {"attemptDurationSeconds": 9}}
OF_BATCH = {"jobDefinitionArn": ARN, "revision": 3, "status": "ACTIVE", "containerOrchestrationType": "ECS", "tags": {}}
YAML = """version: 1
name: calls
description: Calls.
{more}stages:
  - name: map
    split: {{records: lines, records_per_task: 1}}
    branches:
      - {{name: called, command: [cp, "{{input}}", "{{output}}"], {fields}}}
"""


def parsed(fields: str, more: str = "") -> Any:
    return read_content(YAML.format(fields=fields, more=more).encode(), Path("calls/pipeline.yaml"))


def branch(**more: Any) -> Branch:
    return Branch.model_validate({"name": "called", "script": "true", **more})


def test_definition_is_the_stacks_but_for_the_image() -> None:
    base = {**OF_BATCH, **SAME, "type": "container", "containerProperties": CONTAINER, "propagateTags": True}
    made = own_definition(base, branch(container=IMAGE), {}, "execution")
    expected = {**CONTAINER, "image": IMAGE}
    assert made == {**SAME, "type": "container", "propagateTags": True, "containerProperties": expected}


def test_definition_of_nodes_has_secrets_in_each_group() -> None:
    groups = [{"targetNodes": "0:", "container": CONTAINER, "instanceTypes": ["x"]}]
    nodes = {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": groups}
    values = {PLACE: "/gristmill/mill/key"}
    base = {**OF_BATCH, **SAME, "type": "multinode", "nodeProperties": nodes}
    made = own_definition(base, branch(secrets={"KEY": PLACE}), values, "execution")
    secret = {"secrets": [{"name": "KEY", "valueFrom": "/gristmill/mill/key"}], "executionRoleArn": "execution"}
    own = {**groups[0], "container": {**CONTAINER, **secret}}
    assert made == {**SAME, "type": "multinode", "nodeProperties": {**nodes, "nodeRangeProperties": [own]}}


def test_stack_whose_jobs_are_processes_has_no_image() -> None:
    base = {"type": "container", "containerProperties": {**CONTAINER, "image": "none"}}
    assert own_definition(base, branch(container=IMAGE), {}, "")["containerProperties"]["image"] == "none"


@pytest.mark.parametrize("place", ["ssm:/gristmill/mill/key", "secretsmanager:gristmill/mill/key"])
@pytest.mark.parametrize(("stack", "is_fine"), [("mill", True), ("mil", False), ("mill-2", False), ("other", False)])
def test_secrets_of_this_stack_alone_are_taken(place: str, stack: str, is_fine: bool) -> None:
    assert (secret_faults(stack, parsed(f'secrets: {{KEY: "{place}"}}')) == []) is is_fine


CLASH = "the pipeline has a job_definition of its own: say it there, or leave that out"


@pytest.mark.parametrize(
    ("fields", "more", "fault"),
    [
        ("container: example.org/tools/caller:1.2", "", "container: must be an image by its digest"),
        (f'container: "{IMAGE[:-1]}"', "", "container: must be an image by its digest"),
        ("secrets: {KEY: hunter2}", "", "secrets.KEY: must be text such as `ssm:/NAME` or `secretsmanager:NAME`"),
        (f'secrets: {{AWS_KEY: "{PLACE}"}}', "", "secrets.AWS_KEY: is Gristmill's own, as all that begin with AWS_"),
        (f'secrets: {{param_k: "{PLACE}"}}', "", "secrets.param_k: is Gristmill's own"),
        (f'secrets: {{BUCKET: "{PLACE}"}}', "", "secrets.BUCKET: is Gristmill's own"),
        (f'env: {{KEY: x}}, secrets: {{KEY: "{PLACE}"}}', "", "secrets.KEY: is set by env, too; choose another name"),
        (f'container: "{IMAGE}"', "job_definition: own\n", f"container: {CLASH}"),
        (f'secrets: {{KEY: "{PLACE}"}}', "job_definition: own\n", f"secrets: {CLASH}"),
    ],
)
def test_what_cannot_be_is_refused_with_its_mend(fields: str, more: str, fault: str) -> None:
    with pytest.raises(Refused) as refused:
        parsed(fields, more)
    assert fault in str(refused.value)


def test_tag_is_refused_with_how_to_find_the_digest() -> None:
    with pytest.raises(Refused, match=r"`docker buildx imagetools inspect IMAGE` prints.*, not 'example.org/tools:1'"):
        parsed("container: example.org/tools:1")


def test_branch_runs_by_what_was_registered_for_it_while_the_stack_is_as_it_was() -> None:
    pipeline = parsed(f'container: "{IMAGE}"')
    registered = {"called": Registered(arn=f"{ARN}/own:7", base=f"{ARN}/cpu:3", image=IMAGE)}
    found = find_definitions(BATCH, LANES, pipeline, registered)
    assert found == {"called": Definition(f"{ARN}/own:7", "own-image:7")}
    older = {"called": registered["called"].model_copy(update={"base": f"{ARN}/cpu:2"})}
    with pytest.raises(Refused, match=r"made before the stack's own was changed. Push the pipeline again"):
        find_definitions(BATCH, LANES, pipeline, older)


def test_merge_that_computes_has_what_its_branch_has(tmp_path: Path) -> None:
    file = tmp_path / "calls" / "pipeline.yaml"
    file.parent.mkdir()
    file.write_text(YAML.format(fields=f'container: "{IMAGE}", merge: "jobs:merge"', more=""))
    assert [made.container for made in read(file).branches] == [IMAGE, IMAGE]
