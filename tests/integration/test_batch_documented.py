"""What AWS's documentation states of Batch, as calls and what they must give; each row names its page.

"API" is the AWS Batch API reference, "guide" the AWS Batch user guide.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.batch import Batch

LONG = "exec sleep 100"


@dataclass(frozen=True)
class Row:
    page: str
    states: str
    gives: Callable[[Batch], Any]
    wanted: Any


def refusal_of(call: Callable[[], Any]) -> str:
    """Return the refusal that a call gets."""
    with pytest.raises(ClientError) as refused:
        call()
    assert refused.value.response["Error"]["Code"] == "ClientException"
    return refused.value.response["Error"]["Message"]


def refusal(page: str, states: str, wanted: str, **given: Any) -> Row:
    return Row(page, states, lambda batch: wanted in refusal_of(lambda: batch.submit("line", **given)), True)


def container(page: str, states: str, wanted: str, **properties: Any) -> Row:
    def gives(batch: Batch) -> bool:
        members = {**batch.container("true"), **properties}
        register = batch.api.register_job_definition
        return wanted in refusal_of(
            lambda: register(jobDefinitionName="bad", type="container", containerProperties=members)
        )

    return Row(page, states, gives, True)


def command(batch: Batch, words: list[str], parameters: dict[str, str], defaults: dict[str, str]) -> list[str]:
    properties = {**batch.container(""), "command": words}
    arn = batch.api.register_job_definition(
        jobDefinitionName="words", type="container", containerProperties=properties, parameters=defaults
    )["jobDefinitionArn"]
    job = batch.submit(arn, parameters=parameters)
    batch.end(job)
    described: list[str] = batch.describe(job)["container"]["command"]
    return described


def attempts(batch: Batch, line: str, **retry: Any) -> tuple[str, list[int]]:
    done = batch.end(batch.run(line, retryStrategy=retry))
    return done["status"], [attempt["container"]["exitCode"] for attempt in done["attempts"]]


def environment_override(batch: Batch) -> list[str]:
    properties = {**batch.container("echo $ONE $TWO"), "environment": [{"name": "ONE", "value": "old"}]}
    batch.api.register_job_definition(jobDefinitionName="env", type="container", containerProperties=properties)
    more = [{"name": "ONE", "value": "new"}, {"name": "TWO", "value": "more"}]
    job = batch.submit("env", containerOverrides={"environment": more})
    batch.end(job)
    return batch.output(job)


def cancel_running(batch: Batch) -> tuple[str, bool]:
    job = batch.run(LONG)
    batch.until(job, "RUNNING")
    batch.api.cancel_job(jobId=job, reason="too late")
    status = batch.describe(job)["status"]
    batch.api.terminate_job(jobId=job, reason="now")
    done = batch.end(job)
    return status, (done["status"], done["statusReason"]) == ("FAILED", "now")


def cancel_pending(batch: Batch) -> list[str]:
    """A PENDING job is cancelled after all its dependencies are completed."""
    first = batch.run(LONG)
    second = batch.run("true", dependsOn=[{"jobId": first}])
    batch.api.cancel_job(jobId=second, reason="not needed")
    before = batch.describe(second)
    batch.api.terminate_job(jobId=first, reason="over")
    return [before["status"], str(before["isCancelled"]), batch.end(second)["statusReason"]]


def child_failure(batch: Batch) -> tuple[str, dict[str, int], list[str]]:
    job = batch.run("exit $AWS_BATCH_JOB_ARRAY_INDEX", arrayProperties={"size": 3})
    done = batch.end(job)
    kept = {status: count for status, count in done["arrayProperties"]["statusSummary"].items() if count}
    return done["status"], kept, [batch.describe(f"{job}:{index}")["status"] for index in range(3)]


def parent_waits(batch: Batch) -> tuple[str, str]:
    job = batch.run(f"[ $AWS_BATCH_JOB_ARRAY_INDEX = 0 ] && exit 1; {LONG}", arrayProperties={"size": 2})
    batch.end(f"{job}:0")
    batch.until(f"{job}:1", "RUNNING")
    before = batch.describe(job)["status"]
    batch.api.terminate_job(jobId=job, reason="seen")
    return before, batch.end(job)["status"]


def sequential(batch: Batch) -> list[int]:
    job = batch.run("true", arrayProperties={"size": 4}, dependsOn=[{"type": "SEQUENTIAL"}])
    batch.end(job)
    children = [batch.describe(f"{job}:{index}") for index in range(4)]
    assert all(a["stoppedAt"] <= b["startedAt"] for a, b in itertools.pairwise(children))
    return [child["arrayProperties"]["index"] for child in children]


def n_to_n(batch: Batch) -> list[str]:
    first = batch.run(f"[ $AWS_BATCH_JOB_ARRAY_INDEX = 0 ] || {LONG}", arrayProperties={"size": 2})
    second = batch.run("true", arrayProperties={"size": 2}, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
    batch.end(f"{second}:0")
    status = batch.describe(f"{second}:1")["status"]
    batch.api.terminate_job(jobId=first, reason="seen")
    return [status, batch.end(f"{second}:1")["statusReason"], batch.end(second)["status"]]


def uneven(batch: Batch) -> str:
    first = batch.run("true", arrayProperties={"size": 2})
    batch.end(first)
    depends = [{"jobId": first, "type": "N_TO_N"}]
    return refusal_of(lambda: batch.run("true", arrayProperties={"size": 3}, dependsOn=depends))


def failed_dependency(batch: Batch) -> list[str]:
    first = batch.run("exit 1")
    early = batch.run("true", dependsOn=[{"jobId": first}])
    batch.end(first)
    late = batch.run("true", dependsOn=[{"jobId": first}], arrayProperties={"size": 2})
    return [batch.end(early)["status"], batch.end(late)["status"], batch.describe(f"{late}:1")["statusReason"]]


def variables(batch: Batch) -> list[str]:
    job = batch.run("env | grep ^AWS_BATCH | cut -d= -f1 | sort", arrayProperties={"size": 2})
    batch.end(job)
    return batch.output(f"{job}:1")


def disabled_queue(batch: Batch) -> list[str]:
    """A DISABLED queue takes no new jobs; those in it can finish."""
    queue = batch.make_queue("closing", "hosts")
    job = batch.run(LONG, jobQueue=queue)
    waiting = batch.run("true", jobQueue=queue, dependsOn=[{"jobId": batch.run("sleep 0.2", jobQueue=queue)}])
    batch.api.update_job_queue(jobQueue=queue, state="DISABLED")
    refused = refusal_of(lambda: batch.run("true", jobQueue=queue))
    ended = batch.end(waiting)["status"]
    batch.api.delete_job_queue(jobQueue=queue)
    return [refused, ended, batch.end(job)["status"]]


def disabled_environment(batch: Batch) -> list[str]:
    """Nothing is placed in a DISABLED environment; the next in order is used."""
    batch.environment("one")
    batch.environment("two")
    queue = batch.make_queue("ordered", "one", "two")
    show = "echo $AWS_BATCH_CE_NAME"
    first = batch.run(show, jobQueue=queue)
    batch.end(first)
    batch.api.update_compute_environment(computeEnvironment="one", state="DISABLED")
    second = batch.run(show, jobQueue=queue)
    batch.end(second)
    return [*batch.output(first), *batch.output(second)]


def full_environment(batch: Batch) -> list[str]:
    batch.environment("small", vcpus=1)
    batch.environment("next", vcpus=1)
    queue = batch.make_queue("spill", "small", "next")
    jobs = [batch.run(f"echo $AWS_BATCH_CE_NAME; {LONG}", jobQueue=queue) for _ in range(2)]
    for job in jobs:
        batch.until(job, "RUNNING")
    third = batch.run("true", jobQueue=queue)
    status = batch.describe(third)["status"]
    for job in jobs:
        batch.api.terminate_job(jobId=job, reason="seen")
    batch.end(third)
    return [status, *(batch.output(job)[0] for job in jobs)]


def priorities(batch: Batch) -> list[str]:
    """A higher value of priority goes first where queues share an environment."""
    batch.environment("shared", vcpus=1)
    low, high = batch.make_queue("low", "shared"), batch.make_queue("high", "shared", priority=10)
    blocker = batch.run(LONG, jobQueue=low)
    batch.until(blocker, "RUNNING")
    jobs = {name: batch.run("true", jobQueue=name) for name in (low, high)}
    batch.api.terminate_job(jobId=blocker, reason="go")
    ended = {name: batch.end(job) for name, job in jobs.items()}
    return sorted(jobs, key=lambda name: ended[name]["startedAt"])


def runnable_limit(batch: Batch) -> tuple[str, str]:
    batch.environment("tiny", vcpus=2)
    action = {"state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}
    reason = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
    queue = batch.make_queue("limited", "tiny", jobStateTimeLimitActions=[{**action, "reason": reason}])
    needs = {"resourceRequirements": [{"type": "VCPU", "value": "3"}]}
    done = batch.end(batch.submit("line", jobQueue=queue, containerOverrides=needs))
    return done["status"], done["statusReason"].partition(" - ")[0]


def no_limit(batch: Batch) -> str:
    """Without an action a job stays RUNNABLE for ever."""
    job = batch.submit("line", containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "32"}]})
    time.sleep(0.5)  # longer than this server's limit
    found = batch.describe(job)
    batch.api.cancel_job(jobId=job, reason="seen")
    return f"{found['status']} {found['statusReason'].partition(' - ')[0]}"


def shares(batch: Batch) -> list[Any]:
    arn = batch.api.create_scheduling_policy(
        name="fair", fairsharePolicy={"shareDistribution": [{"shareIdentifier": "A*", "weightFactor": 0.5}]}
    )["arn"]
    queue = batch.make_queue("fair", "hosts", schedulingPolicyArn=arn)
    missing = refusal_of(lambda: batch.run("true", jobQueue=queue))
    strange = refusal_of(lambda: batch.run("true", shareIdentifier="A"))
    job = batch.run("true", jobQueue=queue, shareIdentifier="Ann", schedulingPriorityOverride=7)
    done = batch.end(job)
    by_share = [{"name": "SHARE_IDENTIFIER", "values": ["Ann"]}]
    listed = batch.api.list_jobs(jobQueue=queue, filters=by_share, jobStatus="SUCCEEDED")["jobSummaryList"]
    in_use = refusal_of(lambda: batch.api.delete_scheduling_policy(arn=arn))
    return [
        missing.partition(":")[0],
        strange.partition(";")[0],
        (done["shareIdentifier"], done["schedulingPriority"]),
        [item["jobId"] == job for item in listed],
        in_use.partition(",")[0],
    ]


def names_filtered(batch: Batch) -> list[list[str]]:
    for name in ("Walnut1", "walnut2", "other"):
        batch.end(batch.run("true", jobName=name))

    def listed(values: str, name: str = "JOB_NAME") -> list[str]:
        found = batch.api.list_jobs(jobQueue=batch.queue, filters=[{"name": name, "values": [values]}])
        return [job["jobName"] for job in found["jobSummaryList"]]

    return [listed("WALNUT*"), listed("walnut1"), listed("walnut"), listed("LINE", "JOB_DEFINITION")]


def status_default(batch: Batch) -> list[str]:
    job = batch.run(LONG)
    batch.until(job, "RUNNING")
    statuses = {item["status"] for item in batch.api.list_jobs(jobQueue=batch.queue)["jobSummaryList"]}
    batch.api.terminate_job(jobId=job, reason="seen")
    batch.end(job)
    return sorted(statuses)


def bulk(batch: Batch) -> list[Any]:
    jobs = [batch.run(LONG) for _ in range(2)]
    answer = batch.api.terminate_jobs(jobs=[*jobs, "gone"], reason="all")
    ended = [batch.end(job)["statusReason"] for job in jobs]
    many = refusal_of(lambda: batch.api.terminate_jobs(jobs=["x"] * 51, reason="all"))
    return [answer["successful"] == [*jobs, "gone"], answer["errors"], ended, many]


def newest_revision(batch: Batch) -> list[str]:
    arns = [batch.define("revised", line) for line in ("true", "exit 1")]
    batch.api.deregister_job_definition(jobDefinition=arns[1])
    used = batch.describe(batch.submit("revised"))["jobDefinition"]
    return [used == arns[0], refusal_of(lambda: batch.submit("revised:2"))]


def revision_pinned(batch: Batch) -> bool:
    arns = [batch.define("pinned", line) for line in ("true", "false")]
    jobs = [batch.submit(item) for item in ("pinned:1", arns[0], arns[0].rpartition(":")[0], "pinned")]
    return [batch.describe(job)["jobDefinition"] for job in jobs] == [arns[0], arns[0], arns[1], arns[1]]


def tagged(batch: Batch) -> list[dict[str, str]]:
    queue = batch.api.describe_job_queues(jobQueues=[batch.queue])["jobQueues"][0]["jobQueueArn"]
    job = batch.describe(batch.run("true", tags={"who": "me"}, arrayProperties={"size": 2}))
    found = []
    for arn in (queue, job["jobArn"]):
        batch.api.tag_resource(resourceArn=arn, tags={"cost": "low", "kept": "yes"})
        batch.api.untag_resource(resourceArn=arn, tagKeys=["cost"])
        found.append(batch.api.list_tags_for_resource(resourceArn=arn)["tags"])
    batch.api.untag_resource(resourceArn=queue, tagKeys=["kept"])
    assert "takes no tags" in refusal_of(lambda: batch.api.list_tags_for_resource(resourceArn=job["jobArn"] + ":0"))
    return found


def mixed_queue(batch: Batch) -> str:
    batch.environment("pot", kind="FARGATE")
    return refusal_of(lambda: batch.make_queue("mixed", "hosts", "pot"))


RULES = [{"onExitCode": "3", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]
JOBS = "API SubmitJob"
CANCELED = "Canceled by JobStateTimeLimit action due to reason: "

ROWS = [
    # ---- requests that are refused
    refusal("API ArrayProperties", "The array size is 2 to 10,000", "between 2 and 10000", arrayProperties={"size": 1}),
    refusal(
        "API ArrayProperties", "The array size is 2 to 10,000", "between 2 and 10000", arrayProperties={"size": 10_001}
    ),
    refusal(JOBS, "jobName: letters, numbers, hyphens, underscores, first alphanumeric", "Job name", jobName="_x"),
    refusal(JOBS, "jobName: up to 128 letters", "Job name", jobName="x" * 129),
    refusal(JOBS, "A job depends upon at most 20 jobs", "at most 20", dependsOn=[{"jobId": "x"}] * 21),
    refusal(JOBS, "Unknown dependencies are refused", "does not exist", dependsOn=[{"jobId": "nobody"}]),
    refusal(JOBS, "SEQUENTIAL is for array jobs", "for array jobs", dependsOn=[{"type": "SEQUENTIAL"}]),
    Row(JOBS, "N_TO_N is between arrays of one size", uneven, "N_TO_N is between arrays of one size: 3"),
    refusal(
        "API SubmitJob",
        "ecsPropertiesOverride and containerOverrides are for definitions of their kind",
        "ecsPropertiesOverride is not for job definitions with containerProperties",
        ecsPropertiesOverride={"taskProperties": []},
    ),
    refusal(
        "API SubmitJob",
        "eksPropertiesOverride is for jobs on EKS",
        "eksPropertiesOverride is not for job definitions with containerProperties",
        eksPropertiesOverride={"podProperties": {"metadata": {"labels": {"a": "b"}}}},
    ),
    refusal("guide Job timeouts", "At least 60 seconds", "at least 60", timeout={"attemptDurationSeconds": 59}),
    refusal("API RetryStrategy", "1 to 10 attempts", "between 1 and 10", retryStrategy={"attempts": 11}),
    refusal(
        "API RetryStrategy",
        "At most 5 conditions",
        "at most 5",
        retryStrategy={"attempts": 2, "evaluateOnExit": [{"onReason": "*", "action": "EXIT"}] * 6},
    ),
    refusal(
        "API EvaluateOnExit",
        "An asterisk only at the end",
        "only at its end",
        retryStrategy={"attempts": 2, "evaluateOnExit": [{"onReason": "*x", "action": "EXIT"}]},
    ),
    refusal(
        "API ContainerOverrides",
        "Environment variables cannot start with AWS_BATCH",
        "must not start with AWS_BATCH",
        containerOverrides={"environment": [{"name": "AWS_BATCH_X", "value": "1"}]},
    ),
    refusal("guide Service quotas", "A SubmitJob request has at most 30 KiB", "bytes", parameters={"x": "y" * 31_000}),
    refusal("API SubmitJob", "An unknown queue is refused", "nowhere does not exist", jobQueue="nowhere"),
    container(
        "API ResourceRequirement",
        "MEMORY is required",
        "must have MEMORY",
        resourceRequirements=[{"type": "VCPU", "value": "1"}],
    ),
    container(
        "API ResourceRequirement",
        "EC2 needs at least one vCPU",
        "whole number",
        resourceRequirements=[{"type": "VCPU", "value": "0.5"}, {"type": "MEMORY", "value": "1"}],
    ),
    Row("API CreateJobQueue", "EC2 and Fargate cannot be mixed", mixed_queue, "EC2 and Fargate compute environments"),
    # ---- definitions
    Row(JOBS, "Without a revision, the latest active one", newest_revision, [True, "JobDefinition revised:2"]),
    Row(JOBS, "name, name:revision, ARN with or without revision", revision_pinned, True),
    # ---- substitution and overrides
    Row(
        "guide Job definition parameters",
        "Ref:: takes defaults, overridden by the request's parameters; others stay",
        lambda batch: command(
            batch, ["echo", "Ref::a", "x-Ref::b/Ref::a", "Ref::none"], {"a": "2"}, {"a": "1", "b": "3"}
        ),
        ["echo", "2", "x-3/2", "Ref::none"],
    ),
    Row("API ContainerOverrides", "Variables are added and replaced by name", environment_override, ["new more"]),
    # ---- attempts
    Row(
        "guide Job retries", "No rule matches: retried", lambda b: attempts(b, "exit 1", attempts=2), ("FAILED", [1, 1])
    ),
    Row(
        "guide Job retries",
        "The first matching rule decides",
        lambda b: attempts(b, "exit $((2 + AWS_BATCH_JOB_ATTEMPT))", attempts=5, evaluateOnExit=RULES),
        ("FAILED", [3, 4]),
    ),
    Row(
        "guide Job environment variables",
        "The attempt counts from 1",
        lambda b: attempts(b, "exit $((2 - AWS_BATCH_JOB_ATTEMPT))", attempts=9),
        ("SUCCEEDED", [1, 0]),
    ),
    Row(
        "guide Job environment variables",
        "The variables of an array child",
        variables,
        [
            "AWS_BATCH_CE_NAME",
            "AWS_BATCH_JOB_ARRAY_INDEX",
            "AWS_BATCH_JOB_ARRAY_SIZE",
            "AWS_BATCH_JOB_ATTEMPT",
            "AWS_BATCH_JOB_ID",
            "AWS_BATCH_JQ_NAME",
        ],
    ),
    # ---- arrays and dependencies
    Row(
        "guide Array jobs",
        "A child's failure fails the parent, the others go on",
        child_failure,
        ("FAILED", {"SUCCEEDED": 1, "FAILED": 2}, ["SUCCEEDED", "FAILED", "FAILED"]),
    ),
    Row("API ListJobs", "A parent stays PENDING until all children ended", parent_waits, ("PENDING", "FAILED")),
    Row("guide Array jobs", "SEQUENTIAL: one child after another from 0", sequential, [0, 1, 2, 3]),
    Row("guide Array jobs", "N_TO_N: index by index", n_to_n, ["PENDING", "Dependent Job failed", "FAILED"]),
    Row(
        "guide Job dependencies",
        "What depends on a failed job fails",
        failed_dependency,
        ["FAILED", "FAILED", "Dependent Job failed"],
    ),
    # ---- ending
    Row("API CancelJob", "RUNNING is not cancelled, but terminated", cancel_running, ("RUNNING", True)),
    Row("API CancelJob", "PENDING waits for its dependencies", cancel_pending, ["PENDING", "True", "not needed"]),
    Row("API TerminateJobs", "50 at once; unknown ones count as ended", bulk, [True, [], ["all", "all"], "At most 50"]),
    # ---- queues and environments
    Row(
        "API JobQueueDetail",
        "DISABLED takes no job, finishes those in it",
        disabled_queue,
        ["Job queue", "SUCCEEDED", "FAILED"],
    ),
    Row("API UpdateComputeEnvironment", "DISABLED gets no job; next in order", disabled_environment, ["one", "two"]),
    Row("API JobQueueDetail", "Environments fill up in order", full_environment, ["RUNNABLE", "small", "next"]),
    Row("API CreateJobQueue", "Higher priority first", priorities, ["high", "low"]),
    Row(
        "API JobStateTimeLimitAction",
        "A RUNNABLE job is cancelled after the time with the reason",
        runnable_limit,
        ("FAILED", f"{CANCELED}MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"),
    ),
    Row(
        "guide Jobs stuck in RUNNABLE", "Else it waits", no_limit, "RUNNABLE MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
    ),
    Row(
        "guide Fair-share scheduling",
        "shareIdentifier is mandatory with a policy, forbidden without",
        shares,
        [
            "shareIdentifier must be specified",
            "shareIdentifier is for job queues with a scheduling policy",
            ("Ann", 7),
            [True],
            "Cannot delete",
        ],
    ),
    # ---- listing and tags
    Row(
        "API ListJobs",
        "JOB_NAME in any case, newest first, * at the end; JOB_DEFINITION as written",
        names_filtered,
        [["walnut2", "Walnut1"], ["Walnut1"], [], []],
    ),
    Row("API ListJobs", "Without a status only RUNNING", status_default, ["RUNNING"]),
    Row("API TagResource", "Jobs and queues; not children", tagged, [{"kept": "yes"}, {"who": "me", "kept": "yes"}]),
]


def alike(given: Any, wanted: Any) -> bool:
    """Compare; a wanted text may be the start of the given one."""
    if isinstance(wanted, list) and isinstance(given, list):
        return len(given) == len(wanted) and all(alike(*pair) for pair in zip(given, wanted, strict=True))
    if isinstance(wanted, str) and isinstance(given, str):
        return given.startswith(wanted)
    return bool(given == wanted)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.page}: {row.states}")
def test_the_documentation_holds(batch: Batch, row: Row):
    given = row.gives(batch)
    assert alike(given, row.wanted), f"{row.page} states: {row.states}; got {given}"
