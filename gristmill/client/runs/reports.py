"""The report of a run: found, brought to this machine, and an address for a browser."""

from pathlib import Path

from gristmill import keys
from gristmill.client.runs.find import Run
from gristmill.client.stack import Stack
from gristmill.errors import NotFound

_ADDRESS_SECONDS = 3600


def find(stack: Stack, run: Run) -> str | None:
    """Return where `report.html` is in S3, None where there is no report, as while the run goes on."""
    key = _key(run, "html")
    return f"s3://{stack.store.bucket}/{key}" if stack.store.head(key) else None


def read(stack: Stack, run: Run, kind: str) -> bytes:
    """Return the report, `kind` being `html` or `json`; NotFound where there is none."""
    found = stack.store.find(_key(run, kind))
    if found is None:
        why = "it goes on" if run.going else "its mail and the log of Notify say why"
        raise NotFound(f"run {run.run} has no report: {why}.", f"See how it stands with: gristmill status {run.run}")
    return found


def fetch(stack: Stack, run: Run, folder: Path) -> list[Path]:
    """Write both forms of the report to `folder/<run>/`; NotFound where there is none."""
    bodies = {kind: read(stack, run, kind) for kind in ("html", "json")}
    places = []
    for kind, body in bodies.items():
        place = (folder / run.run / f"{keys.REPORT}.{kind}").absolute()
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        places.append(place)
    return places


def address(stack: Stack, run: Run) -> str:
    """Return a URL of the report that any browser may open for an hour."""
    return stack.store.address(_key(run, "html"), _ADDRESS_SECONDS)


def _key(run: Run, kind: str) -> str:
    return keys.report(run.dropped.pipeline, run.dropped.name, run.run, kind)
