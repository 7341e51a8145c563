"""Read the setting of a child: arguments from Batch parameters, the rest from the environment."""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gristmill.errors import Refused
from gristmill.keys import BranchKeys
from gristmill.runs.cursor import Cursor

_NUMBERS = {"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "1", "AWS_BATCH_JOB_ATTEMPT": "1"}


@dataclass(frozen=True)
class ChildSetting:
    """The place of a child in its job, and where its input and output lie."""

    cursor: Cursor
    branch: str
    fingerprint: str  # of what it computes, as it was told when it was submitted
    group: int
    groups: int
    child: int
    children: int
    bucket: str
    job_id: str
    job_attempt: int
    log_stream: str
    outputs: tuple[str, ...] = ()  # of the branch, where it has several

    @property
    def keys(self) -> BranchKeys:
        """Return the keys of the branch that it works for."""
        return BranchKeys(self.cursor.run, self.cursor.stage, self.branch, self.fingerprint, outputs=self.outputs)


def read_setting(arguments: Sequence[str], environment: Mapping[str, str]) -> ChildSetting:
    """Read a child's setting; Refused if the environment is incomplete."""
    given = _parser().parse_args(arguments)
    group = re.fullmatch(r"(\d+)/([1-9]\d*)", given.group)
    faults = [] if group else [f"--group {given.group!r} is not of the form 0/1"]
    if "BUCKET" not in environment:
        faults.append("BUCKET is not set: the job definition must name the bucket")
    numbers = {name: environment.get(name, default) for name, default in _NUMBERS.items()}
    faults += [f"{name} is {text!r}, not a number" for name, text in numbers.items() if not text.isdecimal()]
    if faults or group is None:
        raise Refused(faults)
    return ChildSetting(
        cursor=Cursor(given.run, given.stage, given.attempt),
        branch=given.branch,
        fingerprint=given.fingerprint,
        group=int(group[1]),
        groups=int(group[2]),
        child=int(numbers["AWS_BATCH_JOB_ARRAY_INDEX"]),
        children=int(numbers["AWS_BATCH_JOB_ARRAY_SIZE"]),
        bucket=environment["BUCKET"],
        job_id=environment.get("AWS_BATCH_JOB_ID", "none"),
        job_attempt=int(numbers["AWS_BATCH_JOB_ATTEMPT"]),
        log_stream=environment.get("AWS_BATCH_JOB_LOG_STREAM", ""),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gristmill.worker.child", description=__doc__)
    parser.add_argument("--run", required=True)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--branch", required=True)
    parser.add_argument("--fingerprint", required=True)
    parser.add_argument("--attempt", type=int, required=True)
    parser.add_argument("--group", required=True, metavar="INDEX/COUNT")
    return parser
