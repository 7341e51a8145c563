"""What belongs to a branch of a stage of a run."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from gristmill.keys.runs import run_prefix
from gristmill.keys.tasks import ATTEMPT_DIGITS, TASK_DIGITS, Span

_FIGURE_DIGITS = 5
_TELL_APART = 4  # of a footprint's figures
_FAILURE = re.compile(rf"/failures/([0-9]{{{TASK_DIGITS}}})-([0-9]{{{ATTEMPT_DIGITS}}})\.json\Z")
_FIGURES = r"[0-9]{1,16}(?:-[0-9]{1,16})*"
_FOOTPRINT = re.compile(rf"/footprints/({_FIGURES})/({_FIGURES})\.json\Z")


def branch_prefix(run: str, stage: str, branch: str) -> str:
    """Return the prefix of one branch of a stage."""
    return f"{run_prefix(run)}{stage}/{branch}/"


def tasks(run: str, stage: str, branch: str, attempt: int) -> str:
    """Return the key of the index of tasks still to do in an attempt; absent means all of them."""
    return f"{branch_prefix(run, stage, branch)}tasks-{attempt:0{ATTEMPT_DIGITS}d}.idx"


def segments(run: str, stage: str, branch: str) -> str:
    """Return the prefix of a branch's segments."""
    return f"{branch_prefix(run, stage, branch)}segments/"


def segment(run: str, stage: str, branch: str, span: Span) -> str:
    """Return the key of the outputs of tasks `span`."""
    return f"{segments(run, stage, branch)}{span}"


def receipts(run: str, stage: str, branch: str) -> str:
    """Return the prefix of a branch's receipts."""
    return f"{branch_prefix(run, stage, branch)}receipts/"


def receipt(run: str, stage: str, branch: str, span: Span) -> str:
    """Return the key of the receipt that commits segment `span`."""
    return f"{receipts(run, stage, branch)}{span}.json"


def receipt_of(segment: str) -> str:
    """Return the key of the receipt that commits the segment with this key."""
    branch, _, span = segment.rpartition("/segments/")
    return f"{branch}/receipts/{span}.json"


def failures(run: str, stage: str, branch: str) -> str:
    """Return the prefix of a branch's failure records."""
    return f"{branch_prefix(run, stage, branch)}failures/"


def failure(run: str, stage: str, branch: str, task: int, attempt: int) -> str:
    """Return the key of the record of one task's failure in one attempt."""
    name = f"{task:0{TASK_DIGITS}d}-{attempt:0{ATTEMPT_DIGITS}d}.json"
    return f"{failures(run, stage, branch)}{name}"


def task_failures(run: str, stage: str, branch: str, task: int) -> str:
    """Return what the keys of one task's failure records start with."""
    return f"{failures(run, stage, branch)}{task:0{TASK_DIGITS}d}-"


class Failed(NamedTuple):
    """A task and the attempt that it failed in."""

    task: int
    attempt: int


def parse_failure(key: str) -> Failed | None:
    """Read task and attempt from the key of a failure record; None from any other."""
    match = _FAILURE.search(key)
    return Failed(int(match[1]), int(match[2])) if match else None


def footprints(run: str, stage: str, branch: str) -> str:
    """Return the prefix of what a branch's containers used."""
    return f"{branch_prefix(run, stage, branch)}footprints/"


def footprint(run: str, stage: str, branch: str, figures: Sequence[int]) -> str:
    """Return the key of what one container used: attempt, group, child and try come first, and tell it apart."""
    which = "-".join(f"{figure:0{_FIGURE_DIGITS}d}" for figure in figures[:_TELL_APART])
    return f"{footprints(run, stage, branch)}{which}/{'-'.join(map(str, figures[_TELL_APART:]))}.json"


def footprint_figures(key: str) -> list[int] | None:
    """Read the figures from the key of a footprint; None from any other."""
    match = _FOOTPRINT.search(key)
    return [int(figure) for figure in (*match[1].split("-"), *match[2].split("-"))] if match else None


def checkpoints(run: str, stage: str, branch: str) -> str:
    """Return the prefix of the checkpoints that a branch's job keeps."""
    return f"{branch_prefix(run, stage, branch)}checkpoints/"


def merged(run: str, stage: str, branch: str) -> str:
    """Return the key of a merged branch that only a later stage reads."""
    return f"{branch_prefix(run, stage, branch)}merged"
