"""The names of Batch jobs, and what lies beside a single one: `jobs/`."""

import re

JOBS = "jobs/"  # what was submitted with single jobs


def job_name_prefix(run: str) -> str:
    """Return what the names of all Batch jobs of a run start with."""
    return f"gm-{run}-"


def job_name(run: str, stage: str, branch: str, attempt: int, group: int | str) -> str:
    """Return a group's Batch job name (at most 128 of [A-Za-z0-9_-]); the group `*` matches all of an attempt."""
    return f"{job_name_prefix(run)}{stage}-{branch}-{attempt}-{group}"


def job_attempt(name: str, run: str, stage: str, branch: str) -> int | None:
    """Read the attempt from the name of a branch's job; None where the job is another branch's."""
    rest = name.removeprefix(job_name(run, stage, branch, 0, "").removesuffix("0-"))
    match = re.fullmatch(r"(\d+)-\d+", rest)
    return int(match[1]) if match else None


def job_folder(name: str) -> str:
    """Return the prefix of what was submitted with a single job."""
    return f"{JOBS}{name}/"


def job_command(folder: str) -> str:
    """Return the key of the command of a single job."""
    return f"{folder}command.json"


def job_file(folder: str, name: str) -> str:
    """Return the key of a file that lies beside a single job's command."""
    return f"{folder}files/{name}"


def parse_job_name(name: str) -> tuple[str, int, int]:
    """Return what a group's job name has before its attempt, the attempt, and the group."""
    head, attempt, group = name.rsplit("-", 2)
    return head, int(attempt), int(group)
