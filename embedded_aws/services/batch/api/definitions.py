"""Job definitions."""

import json
from collections.abc import Iterable, Iterator

from embedded_aws.services.batch.api.common import Operation, Refusal, Room, page, refuse
from embedded_aws.services.batch.model import nodes
from embedded_aws.services.batch.model.requirements import container_problems, retry_problems, timeout_problems
from embedded_aws.services.batch.model.resources import Definition, Json
from embedded_aws.settings.limits import BATCH_DEFINITION_MAX_BYTES


class Definitions(Room):
    """Operations on job definitions."""

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their names in the service\'s model."""
        return {
            "RegisterJobDefinition": self.register,
            "DeregisterJobDefinition": self.deregister,
            "DescribeJobDefinitions": self.describe,
        }

    def register(self, request: Json) -> Json:
        """Answer RegisterJobDefinition."""
        refuse(_problems(request))
        name = request["jobDefinitionName"]
        revision = 1 + max(
            (definition.revision for definition in self._engine.definitions.values() if definition.name == name),
            default=0,
        )
        arn = f"{self._arn}:job-definition/{name}:{revision}"
        self._engine.definitions[arn] = Definition(name, arn, revision, request)
        return {"jobDefinitionName": name, "jobDefinitionArn": arn, "revision": revision}

    def deregister(self, request: Json) -> Json:
        """Answer DeregisterJobDefinition."""
        find_definition(self._engine.definitions.values(), request["jobDefinition"]).status = "INACTIVE"
        return {}

    def describe(self, request: Json) -> Json:
        """Answer DescribeJobDefinitions."""
        wanted, listed, status = request.get("jobDefinitionName"), request.get("jobDefinitions"), request.get("status")
        found = [
            definition
            for definition in self._engine.definitions.values()
            if (wanted is None or definition.name == wanted)
            and (not listed or definition.arn in listed or f"{definition.name}:{definition.revision}" in listed)
            and (status is None or definition.status == status)
        ]
        shown, more = page(found, request)
        return {"jobDefinitions": [_shown(definition) for definition in shown], **more}


def _shown(definition: Definition) -> Json:
    more = {"jobDefinitionArn": definition.arn, "revision": definition.revision, "status": definition.status}
    return {
        **definition.request,
        "tags": definition.request.get("tags", {}),
        **more,
        "containerOrchestrationType": "ECS",
    }


def _problems(request: Json) -> Iterator[str]:
    if len(json.dumps(request)) > BATCH_DEFINITION_MAX_BYTES:
        yield f"A job definition has at most {BATCH_DEFINITION_MAX_BYTES} bytes"
    yield from retry_problems(request.get("retryStrategy", {}))
    yield from timeout_problems(request.get("timeout", {}))
    if request["type"] == "multinode" and "nodeProperties" in request:
        yield from nodes.definition_problems(request)
    elif request["type"] == "container" and "containerProperties" in request:
        is_fargate = "FARGATE" in request.get("platformCapabilities", [])
        yield from container_problems(request["containerProperties"], is_fargate=is_fargate)
    else:
        yield "A job definition is of type container, with containerProperties, or multinode, with nodeProperties"


def find_definition(known: Iterable[Definition], given: str) -> Definition:
    """Return the definition of an ARN, `name:revision`, or the newest active one of a name; Refusal without one."""
    found = [
        definition
        for definition in known
        if given
        in (
            definition.arn,
            f"{definition.name}:{definition.revision}",
            definition.name,
            definition.arn.rpartition(":")[0],
        )
        and definition.status == "ACTIVE"
    ]
    if not found:
        raise Refusal(f"JobDefinition {given} does not exist or is not active")
    return max(found, key=lambda definition: definition.revision)
