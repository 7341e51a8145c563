"""Job queues."""

from collections.abc import Iterator
from itertools import islice

from embedded_aws.services.batch.api.common import PAGE, Operation, Refusal, Room, find, is_new, named, page, refuse
from embedded_aws.services.batch.model.model import Queue, now
from embedded_aws.services.batch.model.resources import Environment, Json
from embedded_aws.settings.limits import BATCH_QUEUE_ENVIRONMENTS_MAX, BATCH_RUNNABLE_LIMIT_SECONDS

_SHORTEST, _LONGEST = BATCH_RUNNABLE_LIMIT_SECONDS


class Queues(Room):
    """Operations on job queues."""

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their names in the service\'s model."""
        return {
            "CreateJobQueue": self.create,
            "DescribeJobQueues": self.describe,
            "UpdateJobQueue": self.update,
            "DeleteJobQueue": self.delete,
            "GetJobQueueSnapshot": self.snapshot,
        }

    def create(self, request: Json) -> Json:
        """Answer CreateJobQueue."""
        name = request["jobQueueName"]
        is_new(self._engine.queues.values(), name)
        refuse(self._problems(request))
        arn = f"{self._arn}:job-queue/{name}"
        environments = self._order(request.get("computeEnvironmentOrder", []))
        queue = Queue(name, arn, request, environments, request.get("state", "ENABLED"), request["priority"])
        self._engine.queues[arn] = queue
        return {"jobQueueName": name, "jobQueueArn": arn}

    def _problems(self, request: Json) -> Iterator[str]:
        if request.get("state", "ENABLED") not in ("ENABLED", "DISABLED"):
            yield f"state must be ENABLED or DISABLED: {request['state']}"
        if not request.get("priority", 0) >= 0:
            yield f"priority must not be negative: {request['priority']}"
        policy = request.get("schedulingPolicyArn")
        if policy is not None and policy not in self._engine.policies:
            yield f"Scheduling policy {policy} does not exist"
        yield from _limit_problems(request.get("jobStateTimeLimitActions", []))

    def _order(self, entries: list[Json]) -> list[Environment]:
        if not 1 <= len(entries) <= BATCH_QUEUE_ENVIRONMENTS_MAX:
            raise Refusal(f"A job queue has 1 to {BATCH_QUEUE_ENVIRONMENTS_MAX} compute environments: {len(entries)}")
        known = self._engine.environments.values()
        ordered = sorted(entries, key=lambda entry: int(entry["order"]))
        found = [find(known, entry["computeEnvironment"], "Compute environment") for entry in ordered]
        if len({environment.kind.startswith("FARGATE") for environment in found}) > 1:
            raise Refusal("EC2 and Fargate compute environments cannot be mixed in a job queue")
        return found

    def describe(self, request: Json) -> Json:
        """Answer DescribeJobQueues."""
        shown, more = page(named(self._engine.queues.values(), request.get("jobQueues")), request)
        return {"jobQueues": [_shown(queue) for queue in shown], **more}

    def update(self, request: Json) -> Json:
        """Answer UpdateJobQueue."""
        queue = find(self._engine.queues.values(), request["jobQueue"], "Job queue")
        refuse(self._problems(request))
        if "schedulingPolicyArn" in request and queue.policy is None:
            raise Refusal(f"A scheduling policy cannot be added to job queue {queue.name}, which was made without one")
        if "computeEnvironmentOrder" in request:
            queue.environments = self._order(request["computeEnvironmentOrder"])
        queue.state, queue.priority = request.get("state", queue.state), request.get("priority", queue.priority)
        queue.request = {**queue.request, **{key: value for key, value in request.items() if key != "jobQueue"}}
        self._engine.capacity_changed()
        return {"jobQueueName": queue.name, "jobQueueArn": queue.arn}

    def delete(self, request: Json) -> Json:
        """Answer DeleteJobQueue."""
        queue = find(self._engine.queues.values(), request["jobQueue"], "Job queue")
        if queue.state == "ENABLED":
            raise Refusal(f"Cannot delete, job queue {queue.name} is enabled")
        for job in [job for job in self._engine.jobs.values() if job.queue is queue and job.parent is None]:
            self._engine.end(job, "Job queue deleted", terminate=True)
        del self._engine.queues[queue.arn]
        return {}

    def snapshot(self, request: Json) -> Json:
        """Answer GetJobQueueSnapshot."""
        queue = find(self._engine.queues.values(), request["jobQueue"], "Job queue")
        jobs = [
            {"jobArn": job.arn, "earliestTimeAtPosition": job.runnable_at}
            for job in islice(queue.waiting.values(), PAGE)
        ]
        return {"frontOfQueue": {"jobs": jobs, "lastUpdatedAt": now()}}


def _limit_problems(actions: list[Json]) -> Iterator[str]:
    for action in actions:
        if action["state"] != "RUNNABLE" or action["action"] != "CANCEL":
            yield f"A job state time limit is for RUNNABLE, with action CANCEL: {action['state']}, {action['action']}"
        if not _SHORTEST <= action["maxTimeSeconds"] <= _LONGEST:
            yield f"maxTimeSeconds must be between {_SHORTEST} and {_LONGEST}: {action['maxTimeSeconds']}"


def _shown(queue: Queue) -> Json:
    order = [{"order": place, "computeEnvironment": each.arn} for place, each in enumerate(queue.environments, 1)]
    fargate = queue.environments[0].kind.startswith("FARGATE")
    return {
        **queue.request,
        "computeEnvironmentOrder": order,
        "jobQueueArn": queue.arn,
        "state": queue.state,
        "status": "VALID",
        "statusReason": "JobQueue Healthy",
        "priority": queue.priority,
        "jobQueueType": "ECS_FARGATE" if fargate else "ECS",
        "tags": queue.request.get("tags", {}),
    }
