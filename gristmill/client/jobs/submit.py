"""Submitting a free command as a Batch job: what is asked for, the files that go with it, and the request."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gristmill import keys
from gristmill.batch.submitted import SubmittedCommand
from gristmill.client.jobs.jobs import queue_of
from gristmill.client.stack import Stack
from gristmill.errors import Refused, Unreachable
from gristmill.limits import BATCH_ARRAY_MAX, BATCH_ARRAY_MIN, BATCH_ATTEMPTS_MAX, BATCH_TIMEOUT_MIN_SECONDS

SCRIPT = "script"  # what a script is called where it runs
SEQUENTIAL = "SEQUENTIAL"
_RESERVED = "AWS_BATCH"


@dataclass(frozen=True)
class JobRequest:
    """What somebody wants to run: a command, or a script with its arguments, and what it needs. Memory in MiB."""

    name: str
    command: Sequence[str] = ()
    script: bytes | None = None
    inputs: Sequence[Path] = ()
    array: int | None = None
    nodes: int | None = None
    gpus: int = 0
    vcpus: int | None = None
    memory: int | None = None
    timeout: int | None = None
    retry: int | None = None
    depends_on: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    queue: str | None = None


def faults(wanted: JobRequest) -> list[str]:
    """Return everything that is wrong with a request for a job."""
    names = [path.name for path in wanted.inputs]
    problems = {
        "there is nothing to run: give a command, or --script FILE, or a script on stdin": not (
            wanted.command or wanted.script is not None
        ),
        "the script is empty": wanted.script is not None and not wanted.script.strip(),
        "an array job has one node: --array does not go with --nodes": bool(wanted.array and wanted.nodes),
        f"--array must be {BATCH_ARRAY_MIN} to {BATCH_ARRAY_MAX:,}": wanted.array is not None
        and not BATCH_ARRAY_MIN <= wanted.array <= BATCH_ARRAY_MAX,
        "--nodes must be 2 or more; one node is a plain job": wanted.nodes is not None and wanted.nodes < 2,
        f"--timeout must be {BATCH_TIMEOUT_MIN_SECONDS} seconds or more": wanted.timeout is not None
        and wanted.timeout < BATCH_TIMEOUT_MIN_SECONDS,
        f"--retry must be 1 to {BATCH_ATTEMPTS_MAX}": wanted.retry is not None
        and not 1 <= wanted.retry <= BATCH_ATTEMPTS_MAX,
        f"--depends-on {SEQUENTIAL} is for --array": SEQUENTIAL in wanted.depends_on and not wanted.array,
        f"variables that start with {_RESERVED} are Batch's own": any(
            name.startswith(_RESERVED) for name in wanted.environment
        ),
        f"an input file cannot be called {SCRIPT}": SCRIPT in names,
    }
    twice = sorted({name for name in names if names.count(name) > 1})
    return [*(text for text, is_so in problems.items() if is_so), *(f"{name} is given twice" for name in twice)]


def submit(stack: Stack, wanted: JobRequest) -> dict[str, Any]:
    """Put the files into the bucket and submit the job; return Batch's answer. Refused names every fault."""
    found = faults(wanted)
    if found:
        raise Refused(found, "Nothing was submitted.")
    definition, queue = place(stack, wanted)
    folder = keys.job_folder(f"{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(4)}")
    _stage(stack, wanted, folder)
    answer: dict[str, Any] = stack.client("batch").submit_job(**request(wanted, definition, queue, folder))
    return answer


def place(stack: Stack, wanted: JobRequest) -> tuple[str, str]:
    """Return the job definition and the queue for a job; Unreachable where the stack has none for it."""
    kind, queue = ("Nodes", "Mpi") if wanted.nodes else ("Gpu", "Gpu") if wanted.gpus else ("", "Cpu")
    definition = f"Command{kind}JobDefinitionArn"
    if definition not in stack.outputs or f"{queue}QueueArn" not in stack.outputs:
        what = f"stack {stack.name} has no {queue.upper()} queue and job definition for that."
        raise Unreachable(what, "Deploy it with them, or ask for something else.")
    return stack.output(definition), queue_of(stack, wanted.queue) if wanted.queue else stack.output(f"{queue}QueueArn")


def _stage(stack: Stack, wanted: JobRequest, folder: str) -> None:
    files = [path.name for path in wanted.inputs]
    for path in wanted.inputs:
        with path.open("rb") as file:
            stack.store.upload(keys.job_file(folder, path.name), file)
    if wanted.script is not None:
        stack.store.put(keys.job_file(folder, SCRIPT), wanted.script)
    command = [f"./{SCRIPT}", *wanted.command] if wanted.script is not None else list(wanted.command)
    submitted = SubmittedCommand(command=command, files=[*files, *([SCRIPT] if wanted.script is not None else [])])
    stack.store.put(keys.job_command(folder), submitted.model_dump_json().encode())


def request(wanted: JobRequest, definition: str, queue: str, folder: str) -> dict[str, Any]:
    """Return the SubmitJob request of a job."""
    members: dict[str, Any] = {
        "jobName": wanted.name,
        "jobQueue": queue,
        "jobDefinition": definition,
        "parameters": {"folder": folder},
    }
    if wanted.array:
        members["arrayProperties"] = {"size": wanted.array}
    if wanted.timeout:
        members["timeout"] = {"attemptDurationSeconds": wanted.timeout}
    if wanted.retry:
        members["retryStrategy"] = {"attempts": wanted.retry}
    if wanted.depends_on:
        members["dependsOn"] = [_dependency(dependency) for dependency in wanted.depends_on]
    if wanted.nodes:
        changed = [{"targetNodes": "0:", "containerOverrides": _overrides(wanted)}]
        return {**members, "nodeOverrides": {"numNodes": wanted.nodes, "nodePropertyOverrides": changed}}
    return {**members, "containerOverrides": _overrides(wanted)}


def _overrides(wanted: JobRequest) -> dict[str, Any]:
    asked = {"VCPU": wanted.vcpus, "MEMORY": wanted.memory, "GPU": wanted.gpus}
    needs = [{"type": name, "value": str(value)} for name, value in asked.items() if value]
    environment = [{"name": name, "value": value} for name, value in wanted.environment.items()]
    return {name: value for name, value in (("resourceRequirements", needs), ("environment", environment)) if value}


def _dependency(text: str) -> dict[str, str]:
    """Return a dependency of `ID`, `ID:N_TO_N` or `SEQUENTIAL`."""
    if text == SEQUENTIAL:
        return {"type": SEQUENTIAL}
    job, _, kind = text.partition(":")
    return {"jobId": job, "type": "N_TO_N"} if kind == "N_TO_N" else {"jobId": text}
