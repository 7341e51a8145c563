"""Jobs in the words of the API."""

from typing import Any

from embedded_aws.services.batch.model.model import Attempt, Job, Status
from embedded_aws.services.batch.model.resources import Json


def detail(job: Job) -> Json:
    """Return a job as DescribeJobs shows it."""
    shown: Json = {
        "jobArn": job.arn,
        "jobName": job.name,
        "jobId": job.id,
        "jobQueue": job.queue.arn,
        "status": job.status.value,
        "statusReason": job.status_reason or None,
        "attempts": [_attempt(attempt) for attempt in job.attempts],
        "createdAt": job.created,
        "startedAt": job.started or 0,
        "stoppedAt": job.stopped,
        "dependsOn": job.request.get("dependsOn", []),
        "jobDefinition": job.definition.arn,
        "parameters": job.request.get("parameters", {}),
        "retryStrategy": {"attempts": job.tries, "evaluateOnExit": job.rules},
        "container": None if job.is_multinode else _container(job),
        "nodeProperties": job.node_properties,
        "nodeDetails": _node(job) if job.is_node else None,
        "shareIdentifier": job.request.get("shareIdentifier"),
        "schedulingPriority": _priority(job),
        "tags": job.request.get("tags", {}),
        "propagateTags": bool(job.request.get("propagateTags", False)),
        "platformCapabilities": job.definition.request.get("platformCapabilities", ["EC2"]),
        "isCancelled": job.is_cancelled,
        "isTerminated": job.is_terminated,
    }
    if job.timeout:
        shown["timeout"] = {"attemptDurationSeconds": job.timeout}
    if job.is_array or job.is_child:
        shown["arrayProperties"] = {**_array(job), **_array_times(job)}
    return _without_none(shown)


def _priority(job: Job) -> int | None:
    default = job.definition.request.get("schedulingPriority")
    priority: int | None = job.request.get("schedulingPriorityOverride", default)
    return priority


def summary(job: Job) -> Json:
    """Return a job as ListJobs shows it."""
    last = job.attempts[-1] if job.attempts else None
    shown: Json = {
        "jobArn": job.arn,
        "jobId": job.id,
        "jobName": job.name,
        "createdAt": job.created,
        "status": job.status.value,
        "statusReason": job.status_reason or None,
        "startedAt": job.started,
        "stoppedAt": job.stopped,
        "jobDefinition": job.definition.arn,
        "shareIdentifier": job.request.get("shareIdentifier"),
        "isCancelled": job.is_cancelled or None,
        "isTerminated": job.is_terminated or None,
        "nodeProperties": _node_summary(job) if job.is_node or job.is_multinode else None,
        "container": _without_none({"exitCode": last.exit_code, "reason": last.reason or None}) if last else None,
    }
    if job.is_array or job.is_child:
        shown["arrayProperties"] = _array(job)
    return _without_none(shown)


def _node(job: Job) -> Json:
    return {"nodeIndex": job.index, "isMainNode": bool(job.parent and job.parent.main is job)}


def _node_summary(job: Job) -> Json:
    if job.is_node and job.parent:
        return {**_node(job), "numNodes": len(job.parent.nodes)}
    return {"numNodes": len(job.nodes)}


def _array(job: Job) -> Json:
    if job.parent is not None:
        return {"index": job.index}
    return {"size": len(job.children), "statusSummary": {status.value: job.summary[status] for status in Status}}


def _array_times(job: Job) -> Json:
    return {"statusSummaryLastUpdatedAt": job.summarized_at} if job.is_array else {}


def _container(job: Job) -> Json:
    last = job.attempts[-1] if job.attempts else None
    shown: Json = {
        "volumes": [],
        "mountPoints": [],
        "ulimits": [],
        "networkInterfaces": [],
        "secrets": [],
        **job.container,
        "exitCode": last.exit_code if last else None,
        "reason": (last.reason or None) if last else None,
        "logStreamName": last.log_stream if last else None,
    }
    return _without_none(shown)


def _attempt(attempt: Attempt) -> Json:
    container: dict[str, Any] = {
        "exitCode": attempt.exit_code,
        "reason": attempt.reason or None,
        "logStreamName": attempt.log_stream,
        "networkInterfaces": [],
    }
    return _without_none(
        {
            "container": _without_none(container),
            "startedAt": attempt.started,
            "stoppedAt": attempt.stopped,
            "statusReason": attempt.status_reason or None,
        }
    )


def _without_none(shown: Json) -> Json:
    return {name: value for name, value in shown.items() if value is not None}
