"""What CheckOutput found of a stage."""

from typing import Literal

from pydantic import (
    Field,
)

from gristmill.enums import CheckVerdict, FigureVerdict
from gristmill.runs.checks import CheckResult
from gristmill.runs.evidence import Failure
from gristmill.runs.schema import Record, Words


class Counts(Record):
    """What the tasks of a branch come to; records and bytes are those of the tasks that are done."""

    tasks: int
    done: int
    records_in: int
    records_out: int
    bytes_in: int
    bytes_out: int


class BranchFinding(Counts):
    """What CheckOutput found of one branch."""

    branch: str
    output: str | None  # key of the merged object
    failures: list[Failure]  # of this attempt, a handful at most; `missing` says how many there are
    missing: int  # without those that are left out
    left_out: int = 0
    memory: int = 0  # MiB of its containers in this attempt, where it has several steps
    reused: str = ""  # the run whose output this is a copy of, or was to be where it is missing
    saved: float = 0  # dollars that computing it had cost
    uncached: Words = ""  # why it was computed though the cache has an entry
    out_of_memory: bool = False  # one of them ran out of it
    problem: Words | None
    checks: list[CheckResult] = Field(default_factory=list)  # of its figures, once it is complete

    @property
    def is_final(self) -> bool:
        """Return whether its outputs are all there, and wrong: a resume would find them as they are."""
        return self.problem is not None or any(result.verdict is FigureVerdict.FAILED for result in self.checks)


class Finding(Record):
    """`check-<attempt>.json`: CheckOutput's whole finding; the state machine carries only its verdict."""

    contract: Literal[1] = 1
    run: str
    stage: str
    attempt: int
    verdict: CheckVerdict
    reason: Words
    branches: list[BranchFinding]
    warnings: list[Words] = Field(default_factory=list)  # what the run's owner should know although nothing is wrong

    @property
    def by_branch(self) -> list[BranchFinding]:
        """Return what was found of each branch; several outputs, which fail together, are together."""
        names = dict.fromkeys(finding.branch.partition(".")[0] for finding in self.branches)
        return [found for name in names if (found := self.of_branch(name))]

    @property
    def reused(self) -> dict[str, BranchFinding]:
        """Return what was found of branches whose outputs are copies of another run's, by branch."""
        copied = [found for found in self.branches if found.reused and not found.missing]
        return {found.branch.partition(".")[0]: found for found in copied}

    def of_branch(self, branch: str) -> BranchFinding | None:
        """Return what was found of a branch; of several outputs, with what they come to together."""
        found = [finding for finding in self.branches if finding.branch.partition(".")[0] == branch]
        if len(found) < 2:
            return found[0] if found else None
        together = {name: sum(getattr(each, name) for each in found) for name in ("records_out", "bytes_out")}
        together["missing"] = max(each.missing for each in found)
        problem = next((each.problem for each in found if each.problem), None)
        checks = [result for each in found for result in each.checks]
        return found[0].model_copy(update={**together, "branch": branch, "problem": problem, "checks": checks})
