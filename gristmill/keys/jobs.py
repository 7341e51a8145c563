"""The names of Batch jobs, and what lies beside a single one: `jobs/`."""

import re
from typing import NamedTuple

from gristmill.keys.tasks import ATTEMPT_DIGITS

JOBS = "jobs/"  # what was submitted with single jobs
_NAME = re.compile(rf"(.+)-([0-9]{{1,{ATTEMPT_DIGITS}}})-([0-9]{{1,{ATTEMPT_DIGITS}}})")


def job_name_prefix(run: str) -> str:
    """Return what the names of all Batch jobs of a run start with."""
    return f"gm-{run}-"


def job_folder(name: str) -> str:
    """Return the prefix of what was submitted with a single job."""
    return f"{JOBS}{name}/"


def job_command(folder: str) -> str:
    """Return the key of the command of a single job."""
    return f"{folder}command.json"


def job_file(folder: str, name: str) -> str:
    """Return the key of a file that lies beside a single job's command."""
    return f"{folder}files/{name}"


class JobName(NamedTuple):
    """A group's job name taken apart; `head` is what it has before its attempt."""

    head: str
    attempt: int
    group: int


def parse_job_name(name: str) -> JobName | None:
    """Take the name of a group's job apart; None where somebody called a job of their own nearly so."""
    match = _NAME.fullmatch(name)
    return JobName(match[1], int(match[2]), int(match[3])) if match else None
