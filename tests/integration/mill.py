"""What the integration tests see of a deployed Gristmill: only what a user sees (bucket, executions, mails)."""

import email
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from embedded_aws.lifecycle.state import read_state
from gristmill import keys
from gristmill.client.target import Target, at_server
from gristmill.runs.drop import run_id
from gristmill.runs.locations import branch_keys, stage_keys
from gristmill.runs.repository import read_record
from gristmill.state_machine import run_status
from gristmill.storage.s3 import S3Storage

OWNER = "miller"
_LONGEST_PAUSE = 0.25  # seconds between two looks at what is waited for


def target_of(data: Path) -> Target:
    """Return the embedded AWS of a folder."""
    state = read_state(data)
    assert state is not None
    return at_server(state)


def keys_of(data: Path) -> dict[str, str]:
    """Return region and keys of the embedded AWS of a folder, as boto3 takes them."""
    pair = target_of(data).pair
    assert pair is not None
    keys = {"aws_access_key_id": pair.access_key_id, "aws_secret_access_key": pair.secret_access_key}
    return {"region_name": "us-east-1", **keys}


@cache
def client_of(service: str, endpoint: str, **settings: str) -> Any:
    """Return a client that all tests share: to make one takes as long as some requests."""
    return boto3.client(service, endpoint_url=endpoint, **settings)


@dataclass(frozen=True)
class Mill:
    """A stack on an embedded AWS, and the folder where that keeps its mails."""

    endpoint: str
    data: Path
    outputs: dict[str, str]
    stack: str = "gristmill"

    def client(self, service: str) -> Any:
        return client_of(service, self.endpoint, **keys_of(self.data))

    @property
    def target(self) -> Target:
        return target_of(self.data)

    @property
    def bucket(self) -> str:
        return self.outputs["BucketName"]

    @property
    def store(self) -> S3Storage:
        return S3Storage(self.bucket, self.client("s3"))

    def place(self, run: str, stage: str, branch: str) -> keys.BranchKeys:
        """Return where a branch of a run lies, as its record says."""
        return branch_keys(read_record(self.store, run), stage, branch)

    def cut(self, run: str, stage: str) -> keys.StageKeys:
        """Return where what a stage of a run reads lies, as its record says."""
        return stage_keys(read_record(self.store, run), stage)

    def drop(self, pipeline: str, name: str, body: bytes, **parameters: str) -> str:
        """Upload as any S3 client does; return the id of the run that this must start."""
        metadata = {name.replace("_", "-"): value for name, value in parameters.items()}
        return self.put(keys.input_key(pipeline, name), body, metadata)

    def drop_verified(self, pipeline: str, name: str, body: bytes, **metadata: str) -> str:
        """Upload with a SHA-256 that S3 verifies; return the id of the run that this must start."""
        return self.put(keys.input_key(pipeline, name), body, metadata, ChecksumAlgorithm="SHA256")

    def put(self, key: str, body: bytes, metadata: dict[str, str], **more: str) -> str:
        """Upload any object; return the id of the run that it would start."""
        given: dict[str, Any] = {"Body": body, "Metadata": {"owner": OWNER, **metadata}, **more}
        return self.run_of(key, self.client("s3").put_object(Bucket=self.bucket, Key=key, **given))

    def run_of(self, key: str, put: dict[str, Any]) -> str:
        """Return the id of the run that an upload with this answer starts."""
        return run_id(self.bucket, key, put["VersionId"], put.get("ETag", "").strip('"'), "")

    def physical(self, resource: str) -> str:
        """Return the name that a resource of the template got."""
        described = self.client("cloudformation").describe_stack_resource(
            StackName=self.stack, LogicalResourceId=resource
        )
        name: str = described["StackResourceDetail"]["PhysicalResourceId"]
        return name

    def invoke(self, function: str, payload: Any) -> Any:
        """Invoke a function of the template; return its answer."""
        shown = self.client("lambda").invoke(FunctionName=self.physical(function), Payload=json.dumps(payload))
        return json.loads(shown["Payload"].read())

    def read(self, key: str) -> bytes:
        body: bytes = self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def read_json(self, key: str) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self.read(key))
        return record

    def keys(self, prefix: str) -> list[str]:
        return list(self.sizes(prefix))

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the bytes of each object under a prefix."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}

    def results(self, pipeline: str, name: str, run: str) -> list[str]:
        """Return the names of a run's results, without its report."""
        prefix = keys.results_prefix(pipeline, name, run)
        names = [key.removeprefix(prefix) for key in self.keys(prefix)]
        return [name for name in names if name not in ("report.html", "report.json")]

    def execution(self, run: str, seconds: float = 30) -> str:
        """Wait until the run is claimed; return the ARN of the execution that owns it."""
        key = keys.run_record(run)
        self._until(lambda: key in self.keys(keys.run_prefix(run)), seconds, f"run {run} is not claimed")
        arn: str = self.read_json(key)["execution"]
        return arn

    def executions(self, key: str, at_least: int = 1, seconds: float = 30) -> list[dict[str, Any]]:
        """Wait for executions that an event of `key` started; return their descriptions."""
        found: list[dict[str, Any]] = []
        states, of_others = self.client("stepfunctions"), set[str]()  # what started an execution stays so

        def enough() -> bool:
            described = [states.describe_execution(executionArn=arn) for arn in self._arns() if arn not in of_others]
            found[:] = [execution for execution in described if _key_of(execution["input"]) == key]
            of_others.update(execution["executionArn"] for execution in described if execution not in found)
            return len(found) >= at_least

        self._until(enough, seconds, f"{key} starts no execution")
        return found

    def _arns(self) -> Iterator[str]:
        pages = self.client("stepfunctions").get_paginator("list_executions")
        for page in pages.paginate(stateMachineArn=self.outputs["StateMachineArn"]):
            yield from (execution["executionArn"] for execution in page["executions"])

    def end(self, arn: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for the end of an execution; return its description."""
        states = self.client("stepfunctions")

        def ended() -> bool:
            return bool(states.describe_execution(executionArn=arn)["status"] != "RUNNING")

        self._until(ended, seconds, f"{arn} runs on")
        described: dict[str, Any] = states.describe_execution(executionArn=arn)
        return described

    def finish(self, run: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for the end of the run's execution and its outcome; return the outcome."""
        arn = self.execution(run, seconds)
        ended = self.end(arn, seconds)
        key = keys.outcome(run, arn.rpartition(":")[2])
        self._until(lambda: key in self.keys(keys.run_prefix(run)), seconds, f"{run} has no outcome")
        outcome = self.read_json(key)
        assert outcome["status"] == run_status(ended["status"], ended.get("error"))
        return outcome

    def mails(self, text: str) -> list[EmailMessage]:
        """Return the mails whose body or subject has `text`, oldest first."""
        found = [
            email.message_from_bytes(path.read_bytes(), policy=default)
            for path in sorted((self.data / "outbox").glob("*.eml"))
        ]
        return [mail for mail in found if text in mail["Subject"] or text in mail.get_content()]

    def mail(self, run: str, status: str, seconds: float = 10) -> EmailMessage:
        """Wait for the one mail that tells `status` of the run."""

        def matching() -> list[EmailMessage]:
            return [mail for mail in self.mails(run) if f" {status} " in mail["Subject"]]

        self._until(lambda: bool(matching()), seconds, f"no mail says {status} of {run}")
        (mail,) = matching()
        return mail

    def jobs(self, run: str) -> list[dict[str, Any]]:
        """Return the summaries of all Batch jobs of a run."""
        names = [{"name": "JOB_NAME", "values": [keys.job_name_prefix(run) + "*"]}]
        queues = [self.outputs[name] for name in ("CpuQueueArn", "MpiQueueArn", "GpuQueueArn")]
        answers = [self.client("batch").list_jobs(jobQueue=queue, filters=names) for queue in queues]
        return [job for answer in answers for job in answer["jobSummaryList"]]

    def log(self, run: str) -> list[str]:
        """Return the log lines of all children of a run."""
        batch, logs = self.client("batch"), self.client("logs")
        ids = [job["jobId"] for job in self.jobs(run)]
        ids += [
            item["jobId"]
            for job in ids
            for item in batch.list_jobs(arrayJobId=job, jobStatus="SUCCEEDED")["jobSummaryList"]
        ]
        ids += [
            item["jobId"]
            for job in ids
            for item in batch.list_jobs(arrayJobId=job, jobStatus="FAILED")["jobSummaryList"]
        ]
        lines = []
        for job in batch.describe_jobs(jobs=ids)["jobs"]:
            stream = job["container"].get("logStreamName")
            if stream:
                events = logs.get_log_events(logGroupName=self.outputs["JobLogGroupName"], logStreamName=stream)
                lines += [event["message"] for event in events["events"]]
        return lines

    @staticmethod
    def _until(holds: Any, seconds: float, problem: str) -> None:
        end, pause = time.monotonic() + seconds, 0.05
        while not holds():
            assert time.monotonic() < end, f"{problem} after {seconds} s"
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 1.2)


def _key_of(text: str) -> str:
    """Return the object's key of an execution's input, nothing where that is no event."""
    try:
        return str(json.loads(text)["detail"]["object"]["key"])
    except (ValueError, TypeError, KeyError):  # started by hand: by a test of such executions
        return ""
