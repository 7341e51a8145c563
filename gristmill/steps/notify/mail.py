"""The notice: subject, body and attributes of the mail that says what happened. Pure."""

from collections.abc import Iterator, Sequence

from gristmill import printable
from gristmill.cost.bill import told
from gristmill.enums import RunStatus
from gristmill.humanize import ascii_only, duration, moment, often, size
from gristmill.limits import SNS_MESSAGE_MAX, SNS_SUBJECT_MAX
from gristmill.outcome.summary import Story
from gristmill.runs.records import Failure, Finding

_ATTRIBUTE_MAX = 256  # characters
_ATTRIBUTES_MAX = 8 * 1024  # bytes of all attributes, which count as part of the message
_RESULTS_SHOWN = 50  # a branch that makes files has one of each task


def subject(story: Story) -> str:
    """Return the subject: printable ASCII, at most 100 characters; a long name is shortened in its middle."""
    head = f"[gristmill] {story.status} "
    tail = f" {'after' if story.status is not RunStatus.SUCCEEDED else 'in'} {duration(story.took)}"
    room = SNS_SUBJECT_MAX - 1 - len(head) - len(tail)
    title = ascii_only(story.title)
    if len(title) > room:
        keep = (room - 3) // 2
        title = f"{title[:keep]}...{title[-keep:]}"
    return f"{head}{title}{tail}"


def body(story: Story) -> str:
    """Return the mail's text, within SNS's limit."""
    end = _text(_next(story))
    room = SNS_MESSAGE_MAX - _ATTRIBUTES_MAX - len(end.encode())
    return _text(_lines(story)).encode()[:room].decode(errors="ignore") + end


def _text(lines: Iterator[str]) -> str:
    """Return lines as text; what a job, a file or a user wrote into one stays within it."""
    return "".join(f"{printable.short(line)}\n" for line in lines)


def _lines(story: Story) -> Iterator[str]:
    yield _headline(story)
    yield ""
    yield f"File      {story.title} ({size(story.input_size)})"
    yield f"Run       {story.run}"
    yield f"Owner     {story.owner}"
    yield from _times(story)
    yield from _cost(story)
    yield from _report(story)
    why = story.faults or ([story.reason] if story.reason else [])
    if why:
        yield from ("", "Why", *(f"  {one}" for one in why))
    yield from _counts(story.findings)
    yield from _failures(story.findings)
    yield from _warnings(story.findings)
    yield from _results(story)


def _times(story: Story) -> Iterator[str]:
    resumed = f" ({often(story.resumes)})" if story.resumes else ""
    yield f"{'Resumed' if resumed else 'Started'}   {moment(story.started_at)}{resumed}"
    if story.status is RunStatus.RETRYING:
        yield f"So far    {duration(story.took)}"
    else:
        yield f"Ended     {moment(story.ended_at)} ({duration(story.took)})"


def _cost(story: Story) -> Iterator[str]:
    if story.spent:
        yield f"Cost      {told(story.spent, story.estimate)}"
    elif story.unpriced:
        yield f"Cost      not known: {story.unpriced}"


def _report(story: Story) -> Iterator[str]:
    if story.report:
        yield f"Report    s3://{story.bucket}/{story.report}"
    elif story.unreported:
        yield f"Report    not written: {story.unreported}"


def _headline(story: Story) -> str:
    if story.faults:
        return "The file was refused: nothing was run."
    return {
        RunStatus.SUCCEEDED: "The run is complete: every output was found and counted.",
        RunStatus.RETRYING: "Some tasks have no output yet and are tried again. The next mail comes at the end.",
        RunStatus.ABORTED: "The run was stopped before it was complete.",
        RunStatus.TIMED_OUT: "The run took longer than it may, and was ended.",
    }.get(story.status, "The run failed. What is done is kept; nothing incomplete was published.")


def _counts(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        yield from ("", f"Stage {finding.stage}")
        for one in finding.branches:
            yield (
                f"  {one.branch}: {one.done:,} of {one.tasks:,} tasks, {one.records_in:,} records in, "
                f"{one.records_out:,} out, {size(one.bytes_out)}"
            )


def _warnings(findings: Sequence[Finding]) -> Iterator[str]:
    told = [f"  stage {finding.stage}: {warning}" for finding in findings for warning in finding.warnings]
    if told:
        yield from ("", "Take note", *told)


def _failures(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        for one in finding.branches:
            if one.failures:
                yield from ("", f"What failed in branch {one.branch} ({one.missing:,} of {one.tasks:,} tasks)")
            for failure in one.failures:
                yield from _failure(failure)


def _failure(failure: Failure) -> Iterator[str]:
    task = "a child" if failure.task is None else f"task {failure.task}{_place(failure)}"
    code = "" if failure.exit_code is None else f", exit code {failure.exit_code}"
    yield f"  {failure.stage}/{failure.branch}, {task}, attempt {failure.nth}{code}: {failure.reason}"
    for line in failure.detail.rstrip().splitlines()[-12:]:
        yield f"    | {line}"


def _place(failure: Failure) -> str:
    if failure.start is None or failure.end is None:
        return ""
    return f" (bytes {failure.start:,} to {failure.end - 1:,} of its stage's input)"


def _results(story: Story) -> Iterator[str]:
    if story.results:
        yield from ("", "Results")
        for one in story.results[:_RESULTS_SHOWN]:
            yield f"  s3://{story.bucket}/{one.key} ({size(one.size)})"
        if len(story.results) > _RESULTS_SHOWN:
            yield f"  and {len(story.results) - _RESULTS_SHOWN:,} more"
        yield from ("", f"Get them:  gristmill results {story.run} --download .")


def _next(story: Story) -> Iterator[str]:
    if story.faults:
        yield from ("", "Mend this, and drop the file again.")
    elif story.status in (RunStatus.FAILED, RunStatus.ABORTED, RunStatus.TIMED_OUT):
        yield from ("", f"See more:  gristmill status {story.run}")
        yield f"Go on with only what is missing:  gristmill resume {story.run}"


def attributes(story: Story) -> dict[str, dict[str, str]]:
    """Return the message attributes that subscriptions filter by; SNS takes no empty values."""
    values = {"pipeline": story.pipeline, "status": story.status, "run": story.run, "owner": story.owner}
    return {
        name: {"DataType": "String", "StringValue": printable.line(str(value))[:_ATTRIBUTE_MAX]}
        for name, value in values.items()
        if value
    }
