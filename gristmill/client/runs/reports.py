"""The report of a run: found, brought to this machine, and an address for a browser."""

from pathlib import Path

from gristmill import keys
from gristmill.client.runs.find import Run
from gristmill.client.stack import Mill
from gristmill.errors import NotFound

_ADDRESS_SECONDS = 3600


def find(mill: Mill, run: Run) -> str | None:
    """Return where `report.html` is in S3, None where there is no report, as while the run goes on."""
    key = _key(run, "html")
    return f"s3://{mill.store.bucket}/{key}" if mill.store.head(key) else None


def read(mill: Mill, run: Run, kind: str) -> bytes:
    """Return the report, `kind` being `html` or `json`; NotFound where there is none."""
    found = mill.store.find(_key(run, kind))
    if found is None:
        why = "it goes on" if run.going else "its mail and the log of Notify say why"
        raise NotFound(f"run {run.run} has no report: {why}.", f"See how it stands with: gristmill status {run.run}")
    return found


def fetch(mill: Mill, run: Run, folder: Path) -> list[Path]:
    """Write both forms of the report to `folder/<run>/`; NotFound where there is none."""
    bodies = {kind: read(mill, run, kind) for kind in ("html", "json")}
    places = []
    for kind, body in bodies.items():
        place = (folder / run.run / f"{keys.REPORT}.{kind}").absolute()
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        places.append(place)
    return places


def address(mill: Mill, run: Run) -> str:
    """Return a URL of the report that any browser may open for an hour."""
    wanted = {"Bucket": mill.store.bucket, "Key": _key(run, "html")}
    url: str = mill.client("s3").generate_presigned_url("get_object", Params=wanted, ExpiresIn=_ADDRESS_SECONDS)
    return url


def _key(run: Run, kind: str) -> str:
    return keys.report(run.dropped.pipeline, run.dropped.name, run.run, kind)
