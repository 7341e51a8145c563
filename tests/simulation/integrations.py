"""What the state machine calls: functions, and Batch with or without waiting for the job."""

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.session import get_session

from embedded_aws.services.cloudformation.resources.base import recase
from gristmill.enums import JobStatus
from tests.simulation.asl import StateError
from tests.simulation.jobs import Job
from tests.simulation.kernel import Process
from tests.simulation.wire import failure

if TYPE_CHECKING:
    from tests.simulation.executions import Execution
    from tests.simulation.world import World

_INVALID = 0.2  # of refusals, those that are for good


@cache
def _shape(operation: str) -> Any:
    return get_session().get_service_model("batch").operation_model(operation).input_shape


class Integrations:
    """The calls, by the resource that a state names."""

    def __init__(self, world: "World") -> None:
        self._world, self._kernel = world, world.kernel

    def call(
        self,
        resource: str,
        arguments: dict[str, Any],
        execution: "Execution",
        limit: float,
        submitted: Callable[[], None],
    ) -> Any:
        """Return the answer within `limit` seconds; StateError as Step Functions names it."""
        if resource == "lambda:invoke":
            return self._invoke(arguments, execution, limit)
        if resource == "batch:submitJob.sync":
            job = self._submit(arguments, execution, limit)
            submitted()
            return self._await(job, execution, limit)
        if resource == "aws-sdk:batch:submitJob":
            return {"JobId": self._submit(arguments, execution, limit).id}
        if resource == "aws-sdk:batch:describeJobs":
            jobs = [self._world.batch.jobs[name] for name in arguments["Jobs"]]
            self._request("Batch.ServerException")
            return {"Jobs": [{"JobId": job.id, "Status": job.status(self._kernel.now)} for job in jobs]}
        assert resource == "aws-sdk:batch:terminateJob", resource
        self._world.batch.terminate(self._world.batch.jobs[arguments["JobId"]], arguments["Reason"])
        return {}

    def _request(self, error: str) -> None:
        self._kernel.sleep(self._kernel.soon(0.05))
        if self._kernel.chance(self._world.trouble.of("stumbles")):
            raise StateError(error, "stumbled")

    def _invoke(self, arguments: dict[str, Any], execution: "Execution", limit: float) -> Any:
        name, payload = arguments["FunctionName"], json.loads(json.dumps(arguments["Payload"]))
        machine = self._world.by
        self._world.script.reach(machine, f"Invoke {name}")
        invocation = self._world.functions.start(name, payload, execution)
        is_lost = machine.loses_answer or self._kernel.chance(self._world.trouble.of("lost invocations"))
        machine.loses_answer = False
        if is_lost:
            self._kernel.sleep(self._kernel.soon(2))
            self._kernel.log(f"the connection to {name} breaks; it goes on")
            raise StateError("Lambda.SdkClientException", "connection reset")
        if not self._kernel.wait(invocation.task, limit):
            raise StateError("States.Timeout", "")
        if invocation.error:
            kind, text = type(invocation.error).__name__, str(invocation.error)
            raise StateError(kind, json.dumps({"errorType": kind, "errorMessage": text}))
        if not invocation.is_answered:
            raise StateError("Lambda.Unknown", "Runtime exited")
        return {"Payload": invocation.answer, "StatusCode": 200}

    def _submit(self, arguments: dict[str, Any], execution: "Execution", limit: float) -> Job:
        """Have Batch take a job. The request goes on by itself, whatever becomes of the execution meanwhile."""
        request = recase(arguments, _shape("SubmitJob"))
        taken: list[Job] = []

        def go() -> None:
            self._kernel.sleep(self._kernel.soon(0.3))
            self._world.script.reach(service, f"SubmitJob {request['jobName']}")
            if self._kernel.chance(self._world.trouble.of("refused jobs")):
                is_invalid = self._kernel.chance(_INVALID)
                code, status = ("ClientException", 400) if is_invalid else ("TooManyRequestsException", 429)
                raise failure(code, status, "SubmitJob")
            self._kernel.log(f"SubmitJob {request['jobName']}")
            taken.append(self._world.batch.submit(request, execution.arn, execution.run))

        service = Process(f"{execution.label}.submit", "service", execution.run, execution.arn)
        flight = self._kernel.spawn(service, go)
        self._kernel.wait(flight, limit)
        if isinstance(flight.error, ClientError):
            raise StateError(f"Batch.{flight.error.response['Error']['Code']}", str(flight.error))
        if self._kernel.chance(self._world.trouble.of("lost submits")):
            self._kernel.log(f"the answer to SubmitJob {request['jobName']} is lost")
            raise StateError("Batch.SdkClientException", "connection reset")
        return taken[0]

    def _await(self, job: Job, execution: "Execution", limit: float) -> Any:
        task = self._kernel.current
        assert task is not None
        execution.waits[task.process] = job
        end = self._kernel.now + limit
        while not job.is_over(self._kernel.now):
            if self._kernel.now >= end:
                self._world.batch.terminate(job, "timed out")
                raise StateError("States.Timeout", "")
            job.ended.wait(end - self._kernel.now)
        self._kernel.sleep(self._kernel.soon(0.3))  # the event of its end is on its way
        execution.waits.pop(task.process, None)
        status = job.status(self._kernel.now)
        if status is JobStatus.FAILED:
            raise StateError("States.TaskFailed", json.dumps({"JobId": job.id, "Status": status}))
        return {"JobId": job.id}
