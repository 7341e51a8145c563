"""The rows of an entry: one of the run, and a copy for each of its tags. Pure.

A run's row lies in every index that has an attribute of it; a copy for a tag lies in none, and is found by its key.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from gristmill.catalogue.entry import Entry
from gristmill.limits import CATALOGUE_DAYS

Row = dict[str, Any]
RUN = "run"  # the kind of a run's own row
REBUILT = "-"  # the id of the row that says that runs from before there was a catalogue are in it; it sorts first
PLACE = "place"


def kind_of_tag(name: str, value: str) -> str:
    """Return the kind of the rows of runs with a tag."""
    return f"tag {name}={value}"


def moment(at: datetime) -> str:
    """Return a time as rows have it, so that the order of texts is the order of times."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rows(entry: Entry) -> list[Row]:
    """Return the rows of an entry, the run's own first."""
    place = f"{moment(entry.claimed_at)} {entry.run}"
    facts = _facts(entry)
    own = {"kind": _text(RUN), "id": _text(entry.run), PLACE: _text(place), **facts}
    copies = (kind_of_tag(name, value) for name, value in entry.tags.items())
    return [own, *({"kind": _text(kind), "id": _text(place), **facts} for kind in copies)]


def entry_in(row: Row) -> Entry | None:
    """Return the entry that a row holds; None where somebody has written something else into it."""
    try:
        entry = Entry.model_validate_json(row["entry"]["S"])
    except (KeyError, TypeError, ValidationError):
        return None
    return entry if row["id"]["S"].endswith(entry.run) else None


def version_in(row: Row) -> int | None:
    """Return the version of a row; None where it has none that is a number."""
    text = row.get("version", {}).get("N", "")
    return int(text) if text.isdigit() else None


def tag_text(name: str, value: str) -> str:
    """Return a tag as it stands in a row's list of them, which can be searched for it."""
    return f"\n{name}={value}\n"


def searched(entry: Entry) -> str:
    """Return the text of an entry that is searched, in small letters."""
    return "\n".join([entry.run, entry.title, entry.owner, entry.batch or "", _tags(entry)]).lower()


def _tags(entry: Entry) -> str:
    return "".join(tag_text(name, value) for name, value in entry.tags.items())


def _facts(entry: Entry) -> Row:
    """Return what can be asked for, and the entry itself. An index takes no empty text."""
    expires = entry.claimed_at + timedelta(days=CATALOGUE_DAYS)
    indexed = {"owner": entry.owner, "pipeline": entry.pipeline, "status": str(entry.status), "batch": entry.batch}
    return {
        **{name: _text(value) for name, value in indexed.items() if value},
        "tags": _text(_tags(entry)),
        "search": _text(searched(entry)),
        "version": {"N": str(entry.version)},
        "expires": {"N": str(int(expires.timestamp()))},
        "entry": _text(entry.model_dump_json()),
    }


def _text(value: str) -> Row:
    return {"S": value}
