"""What belongs to a branch of a stage of a run: its keys, and the names of its Batch jobs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gristmill.keys.jobs import job_name_prefix, parse_job_name
from gristmill.keys.runs import run_prefix, work_prefix
from gristmill.keys.tasks import ATTEMPT_DIGITS, TASK_DIGITS, Span

_FIGURE_DIGITS = 5
_TELL_APART = 4  # of the figures of a container's usage
_FAILURE = re.compile(rf"/failures/([0-9]{{{TASK_DIGITS}}})-([0-9]{{{ATTEMPT_DIGITS}}})\.json\Z")
_FIGURES = r"[0-9]{1,16}(?:-[0-9]{1,16})*"
_USAGE = re.compile(rf"/usage/({_FIGURES})/({_FIGURES})\.json\Z")


@dataclass(frozen=True)
class BranchKeys:
    """Where everything of one branch of a stage of a run lies. What computes otherwise has another fingerprint."""

    run: str
    stage: str
    branch: str
    fingerprint: str
    output: str = ""  # which of its `outputs` is meant, where it has several
    outputs: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """Return what the keys of the branch's control records start with."""
        return f"{run_prefix(self.run)}{self.stage}/{self.branch}/{self.fingerprint}/"

    @property
    def work(self) -> str:
        """Return what the keys of all that the branch's jobs write start with."""
        return f"{work_prefix(self.run)}{self.stage}/{self.branch}/{self.fingerprint}/"

    def tasks(self, attempt: int) -> str:
        """Return the key of the index of tasks still to do in an attempt; absent means all of them."""
        return f"{self.prefix}tasks-{attempt:0{ATTEMPT_DIGITS}d}.idx"

    def plan(self, attempt: int) -> str:
        """Return the key of what JobMap has planned for an attempt."""
        return f"{self.prefix}plan-{attempt:0{ATTEMPT_DIGITS}d}.json"

    @property
    def segments(self) -> str:
        """Return the prefix of the segments."""
        return f"{self.work}segments/"

    def segment(self, span: Span) -> str:
        """Return the key of the outputs of tasks `span`."""
        return self.segment_of(span, self.output)

    def segment_of(self, span: Span, output: str) -> str:
        """Return the key of what tasks `span` wrote of an output."""
        return f"{self.segments}{span}{_ending(output)}"

    @property
    def receipts(self) -> str:
        """Return the prefix of the receipts."""
        return f"{self.work}receipts/"

    def receipt(self, span: Span) -> str:
        """Return the key of the receipt that commits segment `span`."""
        return f"{self.receipts}{span}.json"

    @property
    def failures(self) -> str:
        """Return the prefix of the failure records."""
        return f"{self.work}failures/"

    def failure(self, task: int, attempt: int) -> str:
        """Return the key of the record of one task's failure in one attempt."""
        return f"{self.task_failures(task)}{attempt:0{ATTEMPT_DIGITS}d}.json"

    def task_failures(self, task: int) -> str:
        """Return what the keys of one task's failure records start with."""
        return f"{self.failures}{task:0{TASK_DIGITS}d}-"

    @property
    def usage(self) -> str:
        """Return the prefix of what the branch's containers used."""
        return f"{self.work}usage/"

    def container_usage(self, figures: Sequence[int]) -> str:
        """Return the key of what one container used: attempt, group, child and try come first, and tell it apart."""
        which = "-".join(f"{figure:0{_FIGURE_DIGITS}d}" for figure in figures[:_TELL_APART])
        return f"{self.usage}{which}/{'-'.join(map(str, figures[_TELL_APART:]))}.json"

    @property
    def header(self) -> str:
        """Return the key of the header that a merge puts before the outputs."""
        return f"{self.prefix}header{_ending(self.output)}"

    @property
    def merging(self) -> str:
        """Return the prefix of what a merge of very many outputs writes on its way."""
        return f"{self.prefix}merging/{self.output and f'{self.output}/'}"

    @property
    def published(self) -> str:
        """Return the key of the record of what a merge has made."""
        return f"{self.prefix}published{_ending(self.output)}.json"

    @property
    def reused(self) -> str:
        """Return the key of the record of what was reused of another run."""
        return f"{self.prefix}reused.json"

    @property
    def merged(self) -> str:
        """Return the key of a merged output that only a later stage reads."""
        return f"{self.prefix}merged{_ending(self.output)}"

    @property
    def job_head(self) -> str:
        """Return what the names of the branch's Batch jobs have before attempt and group."""
        return job_head(self.run, self.stage, self.branch)

    def job_name(self, attempt: int, group: int | str) -> str:
        """Return a group's job name (at most 128 of [A-Za-z0-9_-]); the group `*` matches all of an attempt."""
        return f"{self.job_head}-{attempt}-{group}"

    def job_attempt(self, name: str) -> int | None:
        """Read the attempt from the name of one of the branch's jobs; None where the job is another branch's."""
        named = parse_job_name(name)
        return named.attempt if named and named.head == self.job_head else None


def job_head(run: str, stage: str, branch: str) -> str:
    """Return what the names of a branch's Batch jobs have before attempt and group."""
    return f"{job_name_prefix(run)}{stage}-{branch}"


def _ending(output: str) -> str:
    return f".{output}" if output else ""


def receipt_of(segment: str) -> str:
    """Return the key of the receipt that commits the segment with this key."""
    branch, _, name = segment.rpartition("/segments/")
    return f"{branch}/receipts/{name.partition('.')[0]}.json"


class Failed(NamedTuple):
    """A task and the attempt that it failed in."""

    task: int
    attempt: int


def parse_failure(key: str) -> Failed | None:
    """Read task and attempt from the key of a failure record; None from any other."""
    match = _FAILURE.search(key)
    return Failed(int(match[1]), int(match[2])) if match else None


def usage_figures(key: str) -> list[int] | None:
    """Read the figures from the key of a container's usage; None from any other."""
    match = _USAGE.search(key)
    return [int(figure) for figure in (*match[1].split("-"), *match[2].split("-"))] if match else None
