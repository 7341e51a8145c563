"""What the tests of Batch need: a bare embedded AWS with a queue, and jobs that are shell lines."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.integration.batch_model import watch
from tests.integration.mill import keys_of

ENDED = ("SUCCEEDED", "FAILED")


@dataclass
class Batch:
    """An embedded AWS with one on-demand compute environment and one queue in front of it."""

    endpoint: str
    data: Path
    queue: str = "queue"
    pid: int = 0  # of the server

    def __post_init__(self) -> None:
        self.api = self.client("batch")
        self.faults, self.seen = watch(self.api)
        self._logs = self.client("logs")

    def client(self, service: str, **more: Any) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint, **keys_of(self.data), **more)

    def environment(self, name: str, vcpus: int = 64, kind: str = "EC2") -> str:
        resources = {"type": kind, "minvCpus": 0, "maxvCpus": vcpus, "instanceTypes": ["optimal"]}
        more = {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"], "instanceRole": "role"}
        arn: str = self.api.create_compute_environment(
            computeEnvironmentName=name, type="MANAGED", computeResources={**resources, **more}
        )["computeEnvironmentArn"]
        return arn

    def make_queue(self, name: str, *environments: str, priority: int = 1, **more: Any) -> str:
        order = [{"order": place, "computeEnvironment": item} for place, item in enumerate(environments)]
        self.api.create_job_queue(jobQueueName=name, priority=priority, computeEnvironmentOrder=order, **more)
        return name

    def define(self, name: str, line: str = "true", **more: Any) -> str:
        arn: str = self.api.register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=self.container(line), **more
        )["jobDefinitionArn"]
        return arn

    @staticmethod
    def container(line: str, vcpus: float = 1, gpus: int = 0) -> dict[str, Any]:
        needs = [{"type": "VCPU", "value": f"{vcpus:g}"}, {"type": "MEMORY", "value": "64"}]
        needs += [{"type": "GPU", "value": str(gpus)}] if gpus else []
        return {"image": "none", "command": ["sh", "-c", line], "resourceRequirements": needs}

    def submit(self, definition: str, **more: Any) -> str:
        members = {"jobName": "job", "jobQueue": self.queue, "jobDefinition": definition, **more}
        job: str = self.api.submit_job(**members)["jobId"]
        return job

    def run(self, line: str, **more: Any) -> str:
        """Submit a shell line as a plain job."""
        return self.submit("line", containerOverrides={"command": ["sh", "-c", line]}, **more)

    def describe(self, job: str) -> dict[str, Any]:
        (found,) = self.api.describe_jobs(jobs=[job])["jobs"]
        return dict(found)

    def until(self, job: str, *statuses: str, seconds: float = 20) -> dict[str, Any]:
        """Wait until the job is in one of the statuses; return it."""
        end = time.monotonic() + seconds
        while (found := self.describe(job))["status"] not in statuses:
            assert time.monotonic() < end, f"{job} is {found['status']} after {seconds} s: {found.get('statusReason')}"
            assert found["status"] not in ENDED, f"{job} is {found['status']}: {found.get('statusReason')}"
            time.sleep(0.02)
        return found

    def end(self, job: str, seconds: float = 20) -> dict[str, Any]:
        return self.until(job, *ENDED, seconds=seconds)

    def log(self, stream: str) -> list[str]:
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName="/aws/batch/job", logStreamNames=[stream]
        )
        return [event["message"] for page in pages for event in page["events"]]

    def output(self, job: str) -> list[str]:
        """Return what the last attempt of a job wrote."""
        return self.log(self.describe(job)["attempts"][-1]["container"]["logStreamName"])
