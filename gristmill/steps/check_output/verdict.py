"""Judge whether a stage is complete, its counts agree, and another attempt is worthwhile. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from gristmill.enums import CheckVerdict, Encoding, FigureVerdict
from gristmill.limits import ATTEMPTS_MAX
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.pipeline.tolerance import tolerated
from gristmill.printable import short
from gristmill.runs.coverage import Coverage
from gristmill.runs.evidence import Failure
from gristmill.runs.findings import BranchFinding
from gristmill.runs.records import LeftOut
from gristmill.steps.check_output.causes import is_hopeless
from gristmill.steps.check_output.left_out import NOTHING_LEFT_OUT, LeftOutTasks

_SHOWN = 80  # characters of a header
_MISCOUNTED = "their receipts are wrong, or parts of them lost"


@dataclass(frozen=True)
class Expected:
    """What a branch must account for: tasks; bytes, where it reads one input; records, where Split counted them.

    `has_rows` tells that those are rows of CSV, of which many programs leave out blank ones.
    """

    tasks: int
    size: int | None
    records: int | None
    encoding: Encoding
    has_rows: bool = False


def judge(stage: Stage, found: list[BranchFinding], tries: int) -> tuple[CheckVerdict, str]:
    """Return the verdict on a stage after `tries` attempts, and why."""
    failures = [f"{finding.branch}: {finding.problem}" for finding in found if finding.problem]
    checks = [result for finding in found for result in finding.checks]
    failures += [result.headline for result in checks if result.verdict is FigureVerdict.FAILED]
    if failures:
        return CheckVerdict.FAILED, "; ".join(failures)
    incomplete = {
        finding.branch: _why_incomplete(finding, branch) for finding, branch in zip(found, stage.made, strict=True)
    }
    incomplete = {name: why for name, why in incomplete.items() if why}
    if not incomplete:
        return CheckVerdict.COMPLETE, ""
    refused = {finding.branch for finding in found if _refusals(finding)}
    first = sorted(incomplete, key=lambda name: name not in refused)
    reason = "; ".join(f"{name}: {incomplete[name]}" for name in first)
    pairs = zip(found, stage.made, strict=True)
    allowed = min(_allowed(finding, branch) for finding, branch in pairs if finding.branch in incomplete)
    hopeless = (
        _is_hopeless(finding, branch) for finding, branch in zip(found, stage.made, strict=True) if finding.missing
    )
    if tries >= allowed or any(hopeless):
        return CheckVerdict.FAILED, reason
    return CheckVerdict.INCOMPLETE, reason


def _allowed(found: BranchFinding, branch: Branch) -> int:
    """Return the attempts that a branch has: one more where this one was to reuse what did not hold."""
    return min(branch.attempts + bool(found.reused and found.missing), ATTEMPTS_MAX)


def cache_notes(found: list[BranchFinding]) -> list[str]:
    """Return a line for each branch that was computed though the cache has an entry of it."""
    told = {finding.branch.partition(".")[0]: finding.uncached for finding in found if finding.uncached}
    return [f"{branch} was not reused of another run: {why}" for branch, why in told.items()]


def memory_notes(stage: Stage, found: list[BranchFinding]) -> list[str]:
    """Return a line for each branch that has run out of memory and has a larger step of it."""
    notes = []
    for finding, branch in zip(found, stage.made, strict=True):
        larger = [mib for mib in branch.memories if mib > finding.memory]
        if finding.out_of_memory:
            what = f"what is missing gets {larger[0]:,} MiB" if larger else "that is the last step of it"
            notes.append(f"{finding.branch} ran out of memory with {finding.memory:,} MiB: {what}")
    return list(dict.fromkeys(notes))


def judge_unreadable(stage: Stage, fault: str, tries: int) -> tuple[CheckVerdict, str]:
    """Return the verdict on a stage whose own objects cannot be read: the next attempt makes them again."""
    is_last = tries >= min(branch.attempts for branch in stage.branches)
    return CheckVerdict.FAILED if is_last else CheckVerdict.INCOMPLETE, fault


def judge_results(lost: list[str], left_out: Mapping[str, LeftOut], run: str) -> tuple[CheckVerdict, str]:
    """Return the verdict on a run whose last stage is complete, by what it has lost on its way and has left out."""
    if not lost and left_out:
        each = "; ".join(f"{branch}: {LeftOut.total([left])}" for branch, left in sorted(left_out.items()))
        return CheckVerdict.PARTIAL, f"tasks failed in all their attempts, as many as the pipeline tolerates ({each})"
    if not lost:
        return CheckVerdict.COMPLETE, ""
    return CheckVerdict.FAILED, (
        f"{len(lost)} of its results are gone, or have other bytes than were merged: {', '.join(lost[:3])}; "
        f"merge them again with: gristmill resume {run}"
    )


def _why_incomplete(found: BranchFinding, branch: Branch) -> str:
    if found.missing:
        why = f" ({_why_missing(found)})" if found.failures else ""
        if found.reused:
            why = f" (what was reused of run {found.reused} does not hold: {found.uncached})"
        return f"{found.missing:,} of {found.tasks:,} tasks have no output{why}"
    if branch.has_results and found.output is None:
        return "all tasks are done but not merged, and the log of Merge says why"
    return ""


def _why_missing(found: BranchFinding) -> str:
    """Return the cause of missing outputs: a refusal before any other, and one other beside it."""
    refusals = _refusals(found)
    if not refusals:
        return found.failures[0].reason
    others = [f"; another task: {failure.reason}" for failure in found.failures if not failure.refused]
    return f"refused, and so not tried again: {refusals[0].reason}{''.join(others[:1])}"


def _is_hopeless(found: BranchFinding, branch: Branch) -> bool:
    """Return whether another attempt is in vain; refused tasks that may yet be left out do not make it so."""
    is_tolerant = found.missing <= tolerated(branch, found.tasks)
    return any(is_hopeless(failure) for failure in found.failures if not (is_tolerant and failure.refused))


def _refusals(found: BranchFinding) -> list[Failure]:
    return [failure for failure in found.failures if failure.refused]


def count_failure(
    held: Coverage, expected: Expected, counts_match: bool, left_out: LeftOutTasks = NOTHING_LEFT_OUT
) -> str | None:
    """Return which count disagrees in a branch whose tasks are all done or left out, None if all agree."""
    if len(held.headers) > 1:
        first, second = (
            short(header.encode("latin-1").decode(errors="replace"), _SHOWN) for header in held.headers[:2]
        )
        return f"its tasks wrote different headers, such as '{first}' and '{second}': each must write the same"
    size, records = held.bytes_in + left_out.size, held.records_in + left_out.records
    besides = ", those left out counted too" if left_out.failures else ""
    if expected.size is not None and size != expected.size:
        return f"its tasks read {size:,} bytes{besides}, but the input has {expected.size:,}: {_MISCOUNTED}"
    if expected.records is not None and records != expected.records:
        return f"its tasks read {records:,} records{besides}, but the split counted {expected.records:,}: {_MISCOUNTED}"
    if counts_match and held.records_out != held.records_in:
        counts = f"it wrote {held.records_out:,} records for {held.records_in:,} read, and must write as many"
        if expected.has_rows and held.records_out < held.records_in:
            counts += "; a blank line is a row, too, which csv.DictReader and pandas leave out"
        return f"{counts} (or say same_record_count: false in pipeline.yaml)"
    return None
