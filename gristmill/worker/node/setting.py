"""Read the setting of a node: arguments from the job's command, its place among the nodes from the environment."""

import argparse
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gristmill.errors import Refused
from gristmill.keys import BranchKeys
from gristmill.limits import NODES_COME_SECONDS
from gristmill.runs.cursor import Cursor

_SINGLE = "jobs"  # stands for the run of a job that belongs to none
_NUMBERS = {
    "AWS_BATCH_JOB_NODE_INDEX": "0",
    "AWS_BATCH_JOB_MAIN_NODE_INDEX": "0",
    "AWS_BATCH_JOB_NUM_NODES": "1",
    "AWS_BATCH_JOB_ATTEMPT": "1",
}


@dataclass(frozen=True)
class Timing:
    """How often nodes poll and report, and how long they wait, in seconds."""

    register: float = NODES_COME_SECONDS  # from the main node's start until every node has come
    heartbeat: float = 15.0
    lost: float = 60.0  # without a heartbeat, or without the store
    soonest: float = 0.05  # between polls for what is awaited, at first
    poll: float = 0.25  # and after a while
    watch: float = 2.0  # while nothing but a failure is expected

    def next(self, waited: float) -> float:
        """Return the time to the next poll after `waited` seconds: a hundredth of that."""
        return min(self.poll, max(self.soonest, waited / 100))


@dataclass(frozen=True)
class NodeSetting:
    """Which node this is, of which attempt at which job, and what it is to run.

    `command` is empty where the run's pipeline says what to run; `cursor` and `branch` then say where in it.
    """

    index: int
    main: int
    nodes: int
    job_id: str
    attempt: int
    bucket: str
    cursor: Cursor
    branch: str
    fingerprint: str
    slots: int | None
    command: tuple[str, ...] = ()
    log_stream: str = ""
    main_address: str = ""
    time_limit: float = math.inf  # seconds, from the start of mpirun
    timing: Timing = field(default_factory=Timing)

    @property
    def keys(self) -> BranchKeys:
        """Return the keys of the branch that it works for."""
        return BranchKeys(self.cursor.run, self.cursor.stage, self.branch, self.fingerprint)

    @property
    def is_main(self) -> bool:
        """Tell whether this node runs mpirun."""
        return self.index == self.main

    @property
    def others(self) -> list[int]:
        """Return the indexes of the nodes besides the main one."""
        return [index for index in range(self.nodes) if index != self.main]


def read_setting(arguments: Sequence[str], environment: Mapping[str, str]) -> NodeSetting:
    """Read a node's setting; Refused with all its faults."""
    given = _parser().parse_args(arguments)
    texts = {name: environment.get(name, default) for name, default in _NUMBERS.items()}
    faults = [f"{name} is {text!r}, not a number" for name, text in texts.items() if not text.isdecimal()]
    if "BUCKET" not in environment:
        faults.append("BUCKET is not set: the job definition must name the bucket")
    if bool(given.run) == bool(given.command):
        faults.append("give either --run, --stage, --branch, --fingerprint and --attempt, or a command after --")
    if faults:
        raise Refused(faults)
    numbers = {name: int(text) for name, text in texts.items()}
    return NodeSetting(
        index=numbers["AWS_BATCH_JOB_NODE_INDEX"],
        main=numbers["AWS_BATCH_JOB_MAIN_NODE_INDEX"],
        nodes=numbers["AWS_BATCH_JOB_NUM_NODES"],
        job_id=plain_job_id(environment.get("AWS_BATCH_JOB_ID", "none")),
        attempt=numbers["AWS_BATCH_JOB_ATTEMPT"],
        bucket=environment["BUCKET"],
        cursor=Cursor(given.run or _SINGLE, given.stage, given.attempt),
        branch=given.branch,
        fingerprint=given.fingerprint,
        slots=given.slots,
        command=tuple(given.command),
        log_stream=environment.get("AWS_BATCH_JOB_LOG_STREAM", ""),
        main_address=environment.get("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS", ""),
        time_limit=given.time_limit_seconds,
        timing=Timing(given.register_seconds, given.heartbeat_seconds, given.lost_seconds),
    )


def plain_job_id(job_id: str) -> str:
    """Return the id of the job that a node's or a child's id belongs to: all nodes must name the same."""
    return re.split("[#:]", job_id)[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gristmill.worker.node",
        usage="%(prog)s [options] (--run RUN --stage STAGE --branch BRANCH ... | -- COMMAND ...)",
        description=__doc__,
    )
    parser.add_argument("--run", help="the run whose pipeline says what to run")
    parser.add_argument("--stage", default="")
    parser.add_argument("--branch", default="")
    parser.add_argument("--fingerprint", default="")
    parser.add_argument("--attempt", type=int, default=0)
    parser.add_argument("--slots", type=int, help="ranks per node at most (default: its vCPUs, or its GPUs)")
    parser.add_argument("--time-limit-seconds", type=float, default=math.inf, help="for the program (default: none)")
    parser.add_argument("--register-seconds", type=float, default=Timing.register, help="until every node has come")
    parser.add_argument("--heartbeat-seconds", type=float, default=Timing.heartbeat, help="between heartbeats")
    parser.add_argument("--lost-seconds", type=float, default=Timing.lost, help="of silence, then a node is lost")
    parser.add_argument("command", nargs="*", help="an MPI program to run over all nodes, and its arguments")
    return parser
