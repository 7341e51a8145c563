"""The notice of a run, from its summary. Pure."""

from gristmill import keys, printable
from gristmill.enums import RunStatus
from gristmill.outcome.summary import RunSummary
from gristmill.steps.notify.channels import Notice
from gristmill.steps.notify.mail import body, subject


def make_notice(summary: RunSummary) -> Notice:
    """Return what every channel sends of a run."""
    is_end = summary.status is not RunStatus.RETRYING
    reason = "; ".join(summary.faults) or summary.reason
    return Notice(
        subject=subject(summary),
        text=body(summary),
        pipeline=summary.pipeline,
        status=summary.status,
        run=summary.run,
        owner=printable.short(summary.owner),
        at=summary.ended_at,
        input=_uri(summary, keys.input_key(summary.pipeline, summary.name)),
        started=summary.started_at,
        ended=summary.ended_at if is_end else None,
        results=[_uri(summary, result.key) for result in summary.results],
        result_count=len(summary.results),
        report=_uri(summary, summary.report) if summary.report else None,
        cost=summary.spent.total if summary.spent else None,
        reason=printable.short(reason),
        warnings=[printable.short(warning) for warning in summary.warnings],
    )


def _uri(summary: RunSummary, key: str) -> str:
    return f"s3://{summary.bucket}/{key}"
