"""The mail of a run: its subject and its body. Pure."""

from collections.abc import Iterator, Sequence

from gristmill import keys, printable
from gristmill.cost.bill import describe_bill, dollars
from gristmill.enums import FigureVerdict, RunStatus
from gristmill.humanize import ascii_only, duration, often, shortened, size, timestamp
from gristmill.limits import SNS_MESSAGE_MAX, SNS_SUBJECT_MAX
from gristmill.outcome.batch import BatchSummary
from gristmill.outcome.reused import reused
from gristmill.outcome.summary import RunSummary
from gristmill.outcome.wording import ended, next_step, tails
from gristmill.pipeline.lists import as_given
from gristmill.runs.checks import CheckResult
from gristmill.runs.findings import Finding
from gristmill.steps.notify.channels import cut

_BODY_MAX = SNS_MESSAGE_MAX // 4  # bytes: JSON may double it, and a copy for other channels goes along
_ITEMS_SHOWN = 20
_RESULTS_SHOWN = 50  # a branch that makes files has one of each task


def subject(summary: RunSummary) -> str:
    """Return the subject: printable ASCII, at most 100 characters; a long name is shortened in its middle."""
    partial = f": {summary.left_out}," if summary.status is RunStatus.PARTIAL and summary.left_out else ""
    items = f": {summary.items.counts} of {summary.items.total:,}," if summary.items else ""
    head = f"[gristmill] {ended(summary.status, len(summary.warnings))}{items or partial} "
    tail = f" {'after' if summary.status is not RunStatus.SUCCEEDED else 'in'} {duration(summary.took)}"
    room = SNS_SUBJECT_MAX - 1 - len(head) - len(tail)
    return f"{head}{shortened(ascii_only(summary.title), room)}{tail}"


def body(summary: RunSummary) -> str:
    """Return the mail's text, within what SNS takes; its end stays where it is cut."""
    end = _text(_next(summary))
    return cut(_text(_lines(summary)), _BODY_MAX - len(end.encode())) + end


def _text(lines: Iterator[str]) -> str:
    """Return lines as text; what a job, a file or a user wrote into one stays within it."""
    return "".join(f"{printable.short(line)}\n" for line in lines)


def _lines(summary: RunSummary) -> Iterator[str]:
    yield _headline(summary)
    yield ""
    yield f"File      {summary.title} ({size(summary.input_size)})"
    yield f"Run       {summary.run}"
    yield f"Owner     {summary.owner}"
    if summary.code:
        yield f"Code      {summary.code.headline}"
    if summary.images:
        yield f"Image     {', '.join(summary.images)}"
    yield from _given(summary)
    if summary.generation:
        yield f"Changed   generation {summary.generation}: its pipeline was changed since the run began"
    yield from _times(summary)
    yield from _cost(summary)
    yield from _report(summary)
    yield from _checked(summary.checks)
    yield from _items(summary.items)
    why = summary.faults or ([summary.reason] if summary.reason else [])
    if why:
        yield from ("", "Why", *(f"  {fault}" for fault in why))
    if summary.warnings:
        yield from ("", "Warnings", *(f"  {warning}" for warning in summary.warnings))
    yield from _counts(summary.findings)
    if copied := reused(summary.findings):
        yield from ("", "Reused", *(f"  {line}" for line in copied))
    yield from _left_out(summary)
    if summary.skipped:
        yield from ("", "Stages left out", *(f"  {stage}: {why}" for stage, why in summary.skipped.items()))
    yield from _failures(summary.findings)
    yield from _notes(summary.findings)
    yield from _results(summary)
    started = [chained for chained in summary.then if chained.run]
    if started:
        yield from ("", "Started after it", *(f"  {chained.headline}" for chained in started))


def _items(items: BatchSummary | None) -> Iterator[str]:
    """Yield what the items of a batch have cost, and the first that did not succeed, each with why."""
    if items is None:
        return
    yield f"Items     {items.total:,}: {items.counts}; they cost {dollars(items.cost)}"
    failed = items.failed
    if failed:
        yield from ("", f"Items that did not succeed ({len(failed):,})")
        yield from (f"  {end.item} {end.name}: {end.status}: {end.reason}" for end in failed[:_ITEMS_SHOWN])
    if len(failed) > _ITEMS_SHOWN:
        yield f"  and {len(failed) - _ITEMS_SHOWN:,} more"


def _given(summary: RunSummary) -> Iterator[str]:
    """Yield what tells the run from others over a file of the same name."""
    parameters = {name: as_given(value) for name, value in summary.parameters.items() if value is not None}
    for label, values in (("Inputs", summary.inputs), ("With", parameters), ("Tags", summary.tags)):
        if values:
            yield f"{label:<10}{' '.join(f'{name}={text}' for name, text in values.items())}"
    if summary.batch:
        yield f"Batch     {summary.batch}"
    if summary.origin:
        yield f"Started by {' -> '.join(map(str, summary.origin))}"


def _times(summary: RunSummary) -> Iterator[str]:
    resumed = f" ({often(summary.resumes)})" if summary.resumes else ""
    yield f"{'Resumed' if resumed else 'Started'}   {timestamp(summary.started_at)}{resumed}"
    if summary.status is RunStatus.RETRYING:
        yield f"So far    {duration(summary.took)}"
    else:
        yield f"Ended     {timestamp(summary.ended_at)} ({duration(summary.took)})"


def _cost(summary: RunSummary) -> Iterator[str]:
    if summary.spent:
        yield f"Cost      {describe_bill(summary.spent, summary.estimate)}"
    elif summary.unpriced:
        yield f"Cost      not known: {summary.unpriced}"


def _report(summary: RunSummary) -> Iterator[str]:
    if summary.report:
        yield f"Report    s3://{summary.bucket}/{summary.report}"
    elif summary.unreported:
        yield f"Report    not written: {summary.unreported}"


def _checked(checks: Sequence[CheckResult]) -> Iterator[str]:
    if checks:
        passed = sum(result.verdict is FigureVerdict.PASSED for result in checks)
        yield f"Checks    {passed:,} of {len(checks):,} figures within their bounds"


def _headline(summary: RunSummary) -> str:
    if summary.faults:
        return "The file was refused: nothing was run."
    if summary.items:
        return f"The batch has ended. Of {summary.items.total:,} items: {summary.items.counts}."
    if summary.is_final and summary.status is RunStatus.FAILED:
        return "The run failed: its outputs are there, but not to be trusted as they are."
    doubt = " Its own figures raise a doubt: see the warnings below." if summary.doubts else ""
    published = "some of it lacks tasks that were left out" if summary.left_out else "nothing incomplete was published"
    return {
        RunStatus.SUCCEEDED: f"The run is complete: every output was found and counted.{doubt}",
        RunStatus.PARTIAL: "The run is complete but for tasks that failed and were left out: its results lack them.",
        RunStatus.RETRYING: "Some tasks have no output yet and are tried again. The next mail comes at the end.",
        RunStatus.ABORTED: "The run was stopped before it was complete.",
        RunStatus.TIMED_OUT: "The run took longer than it may, and was ended.",
    }.get(summary.status, f"The run failed. What is done is kept; {published}.")


def _counts(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        yield from ("", f"Stage {finding.stage}")
        for branch in finding.branches:
            yield (
                f"  {branch.branch}: {branch.done:,} of {branch.tasks:,} tasks, {branch.records_in:,} records in, "
                f"{branch.records_out:,} out, {size(branch.bytes_out)}"
            )


def _notes(findings: Sequence[Finding]) -> Iterator[str]:
    notes = [f"  stage {finding.stage}: {note}" for finding in findings for note in finding.warnings]
    if notes:
        yield from ("", "Notes", *notes)


def _left_out(summary: RunSummary) -> Iterator[str]:
    """Yield the first tasks that were left out, each with its cause, and where all of them stand."""
    if not summary.left_out:
        return
    yield from ("", f"Left out: {summary.left_out.removesuffix(' left out')} tasks")
    for finding in summary.findings:
        for branch in finding.by_branch:
            yield from (f"  {failure.headline}" for failure in branch.failures if branch.left_out)
    yield f"  All of them: s3://{summary.bucket}/{keys.left_out(summary.run)}"


def _failures(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        for branch in finding.by_branch:
            if branch.missing and branch.failures:
                yield from ("", f"What failed in branch {branch.branch} ({branch.missing:,} of {branch.tasks:,} tasks)")
            for failure, lines in tails(branch.failures if branch.missing else ()):
                yield f"  {failure.headline}"
                yield from (f"    | {line}" for line in lines)


def _results(summary: RunSummary) -> Iterator[str]:
    if summary.results:
        yield from ("", "Results")
        for result in summary.results[:_RESULTS_SHOWN]:
            yield f"  s3://{summary.bucket}/{result.key} ({size(result.size)})"
        if len(summary.results) > _RESULTS_SHOWN:
            yield f"  and {len(summary.results) - _RESULTS_SHOWN:,} more"
        yield from ("", f"Get them:  gristmill results {summary.run} --download .")


def _next(summary: RunSummary) -> Iterator[str]:
    if summary.status not in (RunStatus.PARTIAL, RunStatus.FAILED, RunStatus.ABORTED, RunStatus.TIMED_OUT):
        return
    yield ""
    if not summary.faults:
        yield f"See more:  gristmill status {summary.run}"
    if summary.items:
        yield f"Go on with only the items that have not succeeded: gristmill resume {summary.run}"
        return
    yield str(next_step(summary.run, summary.status, bool(summary.faults), summary.is_final))
