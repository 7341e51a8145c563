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
class Wish:
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


def faults(wish: Wish) -> list[str]:
    """Return everything that is wrong with a wish."""
    names = [path.name for path in wish.inputs]
    problems = {
        "there is nothing to run: give a command, or --script FILE, or a script on stdin": not (
            wish.command or wish.script is not None
        ),
        "the script is empty": wish.script is not None and not wish.script.strip(),
        "an array job has one node: --array does not go with --nodes": bool(wish.array and wish.nodes),
        f"--array must be {BATCH_ARRAY_MIN} to {BATCH_ARRAY_MAX:,}": wish.array is not None
        and not BATCH_ARRAY_MIN <= wish.array <= BATCH_ARRAY_MAX,
        "--nodes must be 2 or more; one node is a plain job": wish.nodes is not None and wish.nodes < 2,
        f"--timeout must be {BATCH_TIMEOUT_MIN_SECONDS} seconds or more": wish.timeout is not None
        and wish.timeout < BATCH_TIMEOUT_MIN_SECONDS,
        f"--retry must be 1 to {BATCH_ATTEMPTS_MAX}": wish.retry is not None
        and not 1 <= wish.retry <= BATCH_ATTEMPTS_MAX,
        f"--depends-on {SEQUENTIAL} is for --array": SEQUENTIAL in wish.depends_on and not wish.array,
        f"variables that start with {_RESERVED} are Batch's own": any(
            name.startswith(_RESERVED) for name in wish.environment
        ),
        f"an input file cannot be called {SCRIPT}": SCRIPT in names,
    }
    twice = sorted({name for name in names if names.count(name) > 1})
    return [*(text for text, is_so in problems.items() if is_so), *(f"{name} is given twice" for name in twice)]


def submit(stack: Stack, wish: Wish) -> dict[str, Any]:
    """Put the files into the bucket and submit the job; return Batch's answer. Refused names every fault."""
    found = faults(wish)
    if found:
        raise Refused(found, "Nothing was submitted.")
    definition, queue = place(stack, wish)
    folder = keys.job_folder(f"{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(4)}")
    _stage(stack, wish, folder)
    answer: dict[str, Any] = stack.client("batch").submit_job(**request(wish, definition, queue, folder))
    return answer


def place(stack: Stack, wish: Wish) -> tuple[str, str]:
    """Return the job definition and the queue for a wish; Unreachable where the stack has none for it."""
    kind, queue = ("Nodes", "Mpi") if wish.nodes else ("Gpu", "Gpu") if wish.gpus else ("", "Cpu")
    definition = f"Command{kind}JobDefinitionArn"
    if definition not in stack.outputs or f"{queue}QueueArn" not in stack.outputs:
        what = f"stack {stack.name} has no {queue.upper()} queue and job definition for that."
        raise Unreachable(what, "Deploy it with them, or ask for something else.")
    return stack.output(definition), queue_of(stack, wish.queue) if wish.queue else stack.output(f"{queue}QueueArn")


def _stage(stack: Stack, wish: Wish, folder: str) -> None:
    files = [path.name for path in wish.inputs]
    for path in wish.inputs:
        with path.open("rb") as file:
            stack.store.upload(keys.job_file(folder, path.name), file)
    if wish.script is not None:
        stack.store.put(keys.job_file(folder, SCRIPT), wish.script)
    command = [f"./{SCRIPT}", *wish.command] if wish.script is not None else list(wish.command)
    submitted = SubmittedCommand(command=command, files=[*files, *([SCRIPT] if wish.script is not None else [])])
    stack.store.put(keys.job_command(folder), submitted.model_dump_json().encode())


def request(wish: Wish, definition: str, queue: str, folder: str) -> dict[str, Any]:
    """Return the SubmitJob request of a wish."""
    members: dict[str, Any] = {
        "jobName": wish.name,
        "jobQueue": queue,
        "jobDefinition": definition,
        "parameters": {"folder": folder},
    }
    if wish.array:
        members["arrayProperties"] = {"size": wish.array}
    if wish.timeout:
        members["timeout"] = {"attemptDurationSeconds": wish.timeout}
    if wish.retry:
        members["retryStrategy"] = {"attempts": wish.retry}
    if wish.depends_on:
        members["dependsOn"] = [_dependency(dependency) for dependency in wish.depends_on]
    if wish.nodes:
        changed = [{"targetNodes": "0:", "containerOverrides": _overrides(wish)}]
        return {**members, "nodeOverrides": {"numNodes": wish.nodes, "nodePropertyOverrides": changed}}
    return {**members, "containerOverrides": _overrides(wish)}


def _overrides(wish: Wish) -> dict[str, Any]:
    asked = {"VCPU": wish.vcpus, "MEMORY": wish.memory, "GPU": wish.gpus}
    needs = [{"type": name, "value": str(value)} for name, value in asked.items() if value]
    environment = [{"name": name, "value": value} for name, value in wish.environment.items()]
    return {name: value for name, value in (("resourceRequirements", needs), ("environment", environment)) if value}


def _dependency(text: str) -> dict[str, str]:
    """Return a dependency of `ID`, `ID:N_TO_N` or `SEQUENTIAL`."""
    if text == SEQUENTIAL:
        return {"type": SEQUENTIAL}
    job, _, kind = text.partition(":")
    return {"jobId": job, "type": "N_TO_N"} if kind == "N_TO_N" else {"jobId": text}
