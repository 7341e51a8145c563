"""Job queues."""

from collections.abc import Iterator
from itertools import islice

from embedded_aws.limits import BATCH_QUEUE_ENVIRONMENTS_MAX, BATCH_RUNNABLE_LIMIT_SECONDS
from embedded_aws.services.batch.api.common import PAGE, Operation, Refusal, Room, find, is_new, named, page, refuse
from embedded_aws.services.batch.model import Queue, now
from embedded_aws.services.batch.resources import Environment, Json

_SHORTEST, _LONGEST = BATCH_RUNNABLE_LIMIT_SECONDS


class Queues(Room):
    """Operations on job queues."""

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateJobQueue": self.create,
            "DescribeJobQueues": self.describe,
            "UpdateJobQueue": self.update,
            "DeleteJobQueue": self.delete,
            "GetJobQueueSnapshot": self.snapshot,
        }

    def create(self, said: Json) -> Json:
        name = said["jobQueueName"]
        is_new(self._engine.queues.values(), name)
        refuse(self._problems(said))
        arn = f"{self._arn}:job-queue/{name}"
        environments = self._order(said.get("computeEnvironmentOrder", []))
        queue = Queue(name, arn, said, environments, said.get("state", "ENABLED"), said["priority"])
        self._engine.queues[arn] = queue
        return {"jobQueueName": name, "jobQueueArn": arn}

    def _problems(self, said: Json) -> Iterator[str]:
        if said.get("state", "ENABLED") not in ("ENABLED", "DISABLED"):
            yield f"state must be ENABLED or DISABLED: {said['state']}"
        if not said.get("priority", 0) >= 0:
            yield f"priority must not be negative: {said['priority']}"
        policy = said.get("schedulingPolicyArn")
        if policy is not None and policy not in self._engine.policies:
            yield f"Scheduling policy {policy} does not exist"
        yield from _limit_problems(said.get("jobStateTimeLimitActions", []))

    def _order(self, said: list[Json]) -> list[Environment]:
        if not 1 <= len(said) <= BATCH_QUEUE_ENVIRONMENTS_MAX:
            raise Refusal(f"A job queue has 1 to {BATCH_QUEUE_ENVIRONMENTS_MAX} compute environments: {len(said)}")
        known = self._engine.environments.values()
        ordered = sorted(said, key=lambda one: int(one["order"]))
        found = [find(known, one["computeEnvironment"], "Compute environment") for one in ordered]
        if len({one.kind.startswith("FARGATE") for one in found}) > 1:
            raise Refusal("EC2 and Fargate compute environments cannot be mixed in a job queue")
        return found

    def describe(self, said: Json) -> Json:
        shown, more = page(named(self._engine.queues.values(), said.get("jobQueues")), said)
        return {"jobQueues": [_shown(one) for one in shown], **more}

    def update(self, said: Json) -> Json:
        queue = find(self._engine.queues.values(), said["jobQueue"], "Job queue")
        refuse(self._problems(said))
        if "schedulingPolicyArn" in said and queue.policy is None:
            raise Refusal(f"A scheduling policy cannot be added to job queue {queue.name}, which was made without one")
        if "computeEnvironmentOrder" in said:
            queue.environments = self._order(said["computeEnvironmentOrder"])
        queue.state, queue.priority = said.get("state", queue.state), said.get("priority", queue.priority)
        queue.said = {**queue.said, **{key: value for key, value in said.items() if key != "jobQueue"}}
        self._engine.capacity_changed()
        return {"jobQueueName": queue.name, "jobQueueArn": queue.arn}

    def delete(self, said: Json) -> Json:
        queue = find(self._engine.queues.values(), said["jobQueue"], "Job queue")
        if queue.state == "ENABLED":
            raise Refusal(f"Cannot delete, job queue {queue.name} is enabled")
        for job in [one for one in self._engine.jobs.values() if one.queue is queue and one.parent is None]:
            self._engine.end(job, "Job queue deleted", terminate=True)
        del self._engine.queues[queue.arn]
        return {}

    def snapshot(self, said: Json) -> Json:
        queue = find(self._engine.queues.values(), said["jobQueue"], "Job queue")
        jobs = [
            {"jobArn": job.arn, "earliestTimeAtPosition": job.runnable_at}
            for job in islice(queue.waiting.values(), PAGE)
        ]
        return {"frontOfQueue": {"jobs": jobs, "lastUpdatedAt": now()}}


def _limit_problems(actions: list[Json]) -> Iterator[str]:
    for one in actions:
        if one["state"] != "RUNNABLE" or one["action"] != "CANCEL":
            yield f"A job state time limit is for RUNNABLE, with action CANCEL: {one['state']}, {one['action']}"
        if not _SHORTEST <= one["maxTimeSeconds"] <= _LONGEST:
            yield f"maxTimeSeconds must be between {_SHORTEST} and {_LONGEST}: {one['maxTimeSeconds']}"


def _shown(one: Queue) -> Json:
    order = [{"order": place, "computeEnvironment": each.arn} for place, each in enumerate(one.environments, 1)]
    fargate = one.environments[0].kind.startswith("FARGATE")
    return {
        **one.said,
        "computeEnvironmentOrder": order,
        "jobQueueArn": one.arn,
        "state": one.state,
        "status": "VALID",
        "statusReason": "JobQueue Healthy",
        "priority": one.priority,
        "jobQueueType": "ECS_FARGATE" if fargate else "ECS",
        "tags": one.said.get("tags", {}),
    }
