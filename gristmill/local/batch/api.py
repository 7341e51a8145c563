"""Batch's operations, each a function from the request's JSON to the answer's."""

from collections.abc import Callable, Iterator
from typing import Any

from gristmill.local.batch import nodes
from gristmill.local.batch.engine import Engine
from gristmill.local.batch.model import Definition, Environment, Job, Json, Queue
from gristmill.local.batch.render import detail, summary
from gristmill.local.batch.submit import make_job, problems

_PAGE = 100


class Refusal(Exception):
    """Raised for a request that AWS answers with a ClientException."""


class Api:
    """The operations of one Batch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        settings = engine.settings
        self._arn = f"arn:aws:batch:{settings.region}:{settings.account}"

    # ---- compute environments
    def create_compute_environment(self, said: Json) -> Json:
        name = said["computeEnvironmentName"]
        if any(one.name == name for one in self._engine.environments.values()):
            raise Refusal(f"Object already exists: {name}")
        arn = f"{self._arn}:compute-environment/{name}"
        self._engine.environments[arn] = Environment(name, arn, said, said.get("state", "ENABLED"))
        return {"computeEnvironmentName": name, "computeEnvironmentArn": arn}

    def describe_compute_environments(self, said: Json) -> Json:
        found = _named(self._engine.environments.values(), said.get("computeEnvironments"))
        return {"computeEnvironments": [self._environment(one) for one in found]}

    @staticmethod
    def _environment(one: Environment) -> Json:
        shown = {key: value for key, value in one.said.items() if key != "tags"}
        more = {"computeEnvironmentArn": one.arn, "ecsClusterArn": f"{one.arn}-cluster", "status": "VALID"}
        return {**shown, **more, "state": one.state, "statusReason": "ComputeEnvironment Healthy"}

    def update_compute_environment(self, said: Json) -> Json:
        one = _find(self._engine.environments.values(), said["computeEnvironment"], "Compute environment")
        one.state = said.get("state", one.state)
        resources = {**one.said.get("computeResources", {}), **said.get("computeResources", {})}
        one.said = {**one.said, "computeResources": resources}
        return {"computeEnvironmentName": one.name, "computeEnvironmentArn": one.arn}

    def delete_compute_environment(self, said: Json) -> Json:
        one = _find(self._engine.environments.values(), said["computeEnvironment"], "Compute environment")
        if one.state == "ENABLED":
            raise Refusal(f"Cannot delete, compute environment {one.name} is enabled")
        if any(one in queue.environments for queue in self._engine.queues.values()):
            raise Refusal(f"Cannot delete, found existing JobQueue relationship: {one.name}")
        del self._engine.environments[one.arn]
        return {}

    # ---- queues
    def create_job_queue(self, said: Json) -> Json:
        name = said["jobQueueName"]
        if any(one.name == name for one in self._engine.queues.values()):
            raise Refusal(f"Object already exists: {name}")
        arn = f"{self._arn}:job-queue/{name}"
        environments = self._order(said["computeEnvironmentOrder"])
        queue = Queue(name, arn, said, environments, said.get("state", "ENABLED"), said["priority"])
        self._engine.queues[arn] = queue
        return {"jobQueueName": name, "jobQueueArn": arn}

    def _order(self, said: list[Json]) -> list[Environment]:
        known = self._engine.environments.values()
        ordered = sorted(said, key=lambda one: int(one["order"]))
        return [_find(known, one["computeEnvironment"], "Compute environment") for one in ordered]

    def describe_job_queues(self, said: Json) -> Json:
        found = _named(self._engine.queues.values(), said.get("jobQueues"))
        return {"jobQueues": [self._queue(one) for one in found]}

    @staticmethod
    def _queue(one: Queue) -> Json:
        more = {"jobQueueArn": one.arn, "state": one.state, "status": "VALID", "priority": one.priority}
        return {**one.said, **more, "statusReason": "JobQueue Healthy"}

    def update_job_queue(self, said: Json) -> Json:
        queue = _find(self._engine.queues.values(), said["jobQueue"], "Job queue")
        queue.state, queue.priority = said.get("state", queue.state), said.get("priority", queue.priority)
        if "computeEnvironmentOrder" in said:
            queue.environments = self._order(said["computeEnvironmentOrder"])
        queue.said = {**queue.said, **{key: value for key, value in said.items() if key != "jobQueue"}}
        return {"jobQueueName": queue.name, "jobQueueArn": queue.arn}

    def delete_job_queue(self, said: Json) -> Json:
        queue = _find(self._engine.queues.values(), said["jobQueue"], "Job queue")
        if queue.state == "ENABLED":
            raise Refusal(f"Cannot delete, job queue {queue.name} is enabled")
        for job in [one for one in self._engine.jobs.values() if one.queue is queue and one.parent is None]:
            self._engine.end(job, "Job queue deleted", terminate=True)
        del self._engine.queues[queue.arn]
        return {}

    # ---- definitions
    def register_job_definition(self, said: Json) -> Json:
        broken = list(_definition_problems(said))
        if broken:
            raise Refusal("; ".join(broken))
        name = said["jobDefinitionName"]
        revision = 1 + max((one.revision for one in self._engine.definitions.values() if one.name == name), default=0)
        arn = f"{self._arn}:job-definition/{name}:{revision}"
        self._engine.definitions[arn] = Definition(name, arn, revision, said)
        return {"jobDefinitionName": name, "jobDefinitionArn": arn, "revision": revision}

    def deregister_job_definition(self, said: Json) -> Json:
        self._definition(said["jobDefinition"]).status = "INACTIVE"
        return {}

    def describe_job_definitions(self, said: Json) -> Json:
        named, listed, status = said.get("jobDefinitionName"), said.get("jobDefinitions"), said.get("status")
        found = [
            one
            for one in self._engine.definitions.values()
            if (named is None or one.name == named)
            and (not listed or one.arn in listed or f"{one.name}:{one.revision}" in listed)
            and (status is None or one.status == status)
        ]
        return {"jobDefinitions": [self._shown(one) for one in found]}

    @staticmethod
    def _shown(one: Definition) -> Json:
        return {**one.said, "jobDefinitionArn": one.arn, "revision": one.revision, "status": one.status}

    def _definition(self, given: str) -> Definition:
        """Return the definition of an ARN, `name:revision`, or the newest active one of a name."""
        found = [
            one
            for one in self._engine.definitions.values()
            if given in (one.arn, f"{one.name}:{one.revision}", one.name, one.arn.rpartition(":")[0])
            and one.status == "ACTIVE"
        ]
        if not found:
            raise Refusal(f"JobDefinition {given} does not exist or is not active")
        return max(found, key=lambda one: one.revision)

    # ---- jobs
    def submit_job(self, said: Json) -> Json:
        broken = list(problems(said, self._engine.jobs))
        if broken:
            raise Refusal("; ".join(broken))
        queue = _find(self._engine.queues.values(), said["jobQueue"], "Job queue")
        if queue.state != "ENABLED":
            raise Refusal(f"Job queue {queue.name} is disabled")
        definition = self._definition(said["jobDefinition"])
        broken = list(nodes.request_problems(said, definition))
        if broken:
            raise Refusal("; ".join(broken))
        job = make_job(said, queue, definition, self._arn)
        self._engine.submit(job)
        return {"jobName": job.name, "jobId": job.id, "jobArn": job.arn}

    def describe_jobs(self, said: Json) -> Json:
        with self._engine.lock:
            found = [self._engine.jobs.get(_id(one)) for one in said["jobs"]]
            return {"jobs": [detail(job) for job in found if job is not None]}

    def list_jobs(self, said: Json) -> Json:
        with self._engine.lock:
            found = list(self._listed(said))
        start = int(said.get("nextToken") or 0)
        end = start + int(said.get("maxResults") or _PAGE)
        more = {"nextToken": str(end)} if end < len(found) else {}
        return {"jobSummaryList": [summary(job) for job in found[start:end]], **more}

    def _listed(self, said: Json) -> Iterator[Job]:
        filters = said.get("filters") or []
        status = None if filters else said.get("jobStatus", "RUNNING")
        parent = self._engine.jobs.get(_id(said.get("arrayJobId") or said.get("multiNodeJobId") or ""))
        if "arrayJobId" in said or "multiNodeJobId" in said:
            jobs = [*parent.children, *parent.nodes] if parent else []
        else:
            queue = _find(self._engine.queues.values(), said["jobQueue"], "Job queue")
            jobs = [one for one in self._engine.jobs.values() if one.queue is queue and one.parent is None]
        for job in jobs:
            if (status is None or job.status == status) and all(_passes(job, one) for one in filters):
                yield job

    def terminate_job(self, said: Json) -> Json:
        return self._end(said, terminate=True)

    def cancel_job(self, said: Json) -> Json:
        return self._end(said, terminate=False)

    def _end(self, said: Json, *, terminate: bool) -> Json:
        job = self._engine.jobs.get(_id(said["jobId"]))
        if job is not None:  # AWS answers 200 for jobs that it does not know (any more)
            self._engine.end(job, said["reason"], terminate=terminate)
        return {}


def _definition_problems(said: Json) -> Iterator[str]:
    if said.get("type") == "multinode" and "nodeProperties" in said:
        yield from nodes.definition_problems(said)
    elif said.get("type") != "container" or "containerProperties" not in said:
        yield "A job definition is of type container, with containerProperties, or multinode, with nodeProperties"


def _id(given: str) -> str:
    return given.rpartition("job/")[2]


def _passes(job: Job, wanted: Json) -> bool:
    values = wanted["values"]
    tests: dict[str, Callable[[], bool]] = {
        "JOB_NAME": lambda: any(_glob(job.name, one) for one in values),
        "JOB_DEFINITION": lambda: any(_glob(job.definition.arn, one) or job.definition.name == one for one in values),
        "BEFORE_CREATED_AT": lambda: job.created < int(values[0]),
        "AFTER_CREATED_AT": lambda: job.created > int(values[0]),
    }
    return tests[wanted["name"]]()


def _glob(text: str, pattern: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _named(known: Any, wanted: list[str] | None) -> list[Any]:
    return [one for one in known if not wanted or one.arn in wanted or one.name in wanted]


def _find(known: Any, given: str, what: str) -> Any:
    for one in known:
        if given in (one.arn, one.name):
            return one
    raise Refusal(f"{what} {given} does not exist")
