"""Scheduling policies: accepted and shown; on one machine the shares take turns by arrival."""

from embedded_aws.services.batch.api.common import Operation, Refusal, Room, is_new, page
from embedded_aws.services.batch.model.resources import Json, Policy


class Policies(Room):
    """Operations on scheduling policies."""

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their names in the service\'s model."""
        return {
            "CreateSchedulingPolicy": self.create,
            "DescribeSchedulingPolicies": self.describe,
            "ListSchedulingPolicies": self.list_all,
            "UpdateSchedulingPolicy": self.update,
            "DeleteSchedulingPolicy": self.delete,
        }

    def create(self, request: Json) -> Json:
        """Answer CreateSchedulingPolicy."""
        name = request["name"]
        is_new(self._engine.policies.values(), name)
        if "quotaSharePolicy" in request:
            raise Refusal("The embedded AWS has fair-share policies; quotaSharePolicy is not supported")
        arn = f"{self._arn}:scheduling-policy/{name}"
        self._engine.policies[arn] = Policy(name, arn, request)
        return {"name": name, "arn": arn}

    def describe(self, request: Json) -> Json:
        """Answer DescribeSchedulingPolicies."""
        found = [self._engine.policies[arn] for arn in request["arns"] if arn in self._engine.policies]
        shown = [{**policy.request, "arn": policy.arn, "tags": policy.request.get("tags", {})} for policy in found]
        return {"schedulingPolicies": shown}

    def list_all(self, request: Json) -> Json:
        """Answer ListSchedulingPolicies."""
        shown, more = page(list(self._engine.policies), request)
        return {"schedulingPolicies": [{"arn": arn} for arn in shown], **more}

    def update(self, request: Json) -> Json:
        """Answer UpdateSchedulingPolicy."""
        policy = self._find(request["arn"])
        policy.request = {**policy.request, **{key: value for key, value in request.items() if key != "arn"}}
        return {}

    def delete(self, request: Json) -> Json:
        """Answer DeleteSchedulingPolicy."""
        policy = self._find(request["arn"])
        if any(queue.policy == policy.arn for queue in self._engine.queues.values()):
            raise Refusal(f"Cannot delete, a job queue uses scheduling policy {policy.name}")
        del self._engine.policies[policy.arn]
        return {}

    def _find(self, arn: str) -> Policy:
        if arn not in self._engine.policies:
            raise Refusal(f"Scheduling policy {arn} does not exist")
        return self._engine.policies[arn]
