"""Job definitions."""

import json
from collections.abc import Iterable, Iterator

from embedded_aws.limits import BATCH_DEFINITION_MAX_BYTES
from embedded_aws.services.batch import nodes
from embedded_aws.services.batch.api.common import Operation, Refusal, Room, page, refuse
from embedded_aws.services.batch.requirements import container_problems, retry_problems, timeout_problems
from embedded_aws.services.batch.resources import Definition, Json


class Definitions(Room):
    """Operations on job definitions."""

    def operations(self) -> dict[str, Operation]:
        return {
            "RegisterJobDefinition": self.register,
            "DeregisterJobDefinition": self.deregister,
            "DescribeJobDefinitions": self.describe,
        }

    def register(self, said: Json) -> Json:
        refuse(_problems(said))
        name = said["jobDefinitionName"]
        revision = 1 + max((one.revision for one in self._engine.definitions.values() if one.name == name), default=0)
        arn = f"{self._arn}:job-definition/{name}:{revision}"
        self._engine.definitions[arn] = Definition(name, arn, revision, said)
        return {"jobDefinitionName": name, "jobDefinitionArn": arn, "revision": revision}

    def deregister(self, said: Json) -> Json:
        find_definition(self._engine.definitions.values(), said["jobDefinition"]).status = "INACTIVE"
        return {}

    def describe(self, said: Json) -> Json:
        wanted, listed, status = said.get("jobDefinitionName"), said.get("jobDefinitions"), said.get("status")
        found = [
            one
            for one in self._engine.definitions.values()
            if (wanted is None or one.name == wanted)
            and (not listed or one.arn in listed or f"{one.name}:{one.revision}" in listed)
            and (status is None or one.status == status)
        ]
        shown, more = page(found, said)
        return {"jobDefinitions": [_shown(one) for one in shown], **more}


def _shown(one: Definition) -> Json:
    more = {"jobDefinitionArn": one.arn, "revision": one.revision, "status": one.status}
    return {**one.said, "tags": one.said.get("tags", {}), **more, "containerOrchestrationType": "ECS"}


def _problems(said: Json) -> Iterator[str]:
    if len(json.dumps(said)) > BATCH_DEFINITION_MAX_BYTES:
        yield f"A job definition has at most {BATCH_DEFINITION_MAX_BYTES} bytes"
    yield from retry_problems(said.get("retryStrategy", {}))
    yield from timeout_problems(said.get("timeout", {}))
    if said["type"] == "multinode" and "nodeProperties" in said:
        yield from nodes.definition_problems(said)
    elif said["type"] == "container" and "containerProperties" in said:
        is_fargate = "FARGATE" in said.get("platformCapabilities", [])
        yield from container_problems(said["containerProperties"], is_fargate=is_fargate)
    else:
        yield "A job definition is of type container, with containerProperties, or multinode, with nodeProperties"


def find_definition(known: Iterable[Definition], given: str) -> Definition:
    """Return the definition of an ARN, `name:revision`, or the newest active one of a name; Refusal without one."""
    found = [
        one
        for one in known
        if given in (one.arn, f"{one.name}:{one.revision}", one.name, one.arn.rpartition(":")[0])
        and one.status == "ACTIVE"
    ]
    if not found:
        raise Refusal(f"JobDefinition {given} does not exist or is not active")
    return max(found, key=lambda one: one.revision)
