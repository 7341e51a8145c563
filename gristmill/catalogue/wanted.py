"""Which runs a list is to show, as a question to the table: an index, conditions, and where to go on. Pure."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic_core import from_json, to_json

from gristmill.catalogue.entry import Entry
from gristmill.catalogue.rows import PLACE, RUN, Row, kind_of_tag, moment, searched, tag_text
from gristmill.enums import RunStatus
from gristmill.errors import Refused

_KEY = ("kind", "id")


@dataclass(frozen=True)
class Wanted:
    """The runs that are wanted: those for which all that is given holds."""

    pipeline: str | None = None
    owner: str | None = None
    status: RunStatus | None = None
    batch: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    search: str | None = None  # a part of the run's id, pipeline, file, owner or a tag, in capitals or not
    since: datetime | None = None

    def matches(self, entry: Entry) -> bool:
        """Return whether a run is wanted."""
        facts = [(self.pipeline, entry.pipeline), (self.owner, entry.owner), (self.status, entry.status)]
        return (
            all(asked in (None, given) for asked, given in [*facts, (self.batch, entry.batch)])
            and self.tags.items() <= entry.tags.items()
            and (self.search or "").lower() in searched(entry)
            and (self.since is None or entry.claimed_at >= self.since)
        )

    @property
    def is_all(self) -> bool:
        """Return whether every run is wanted."""
        return self == Wanted()


@dataclass(frozen=True)
class Question:
    """A question to the table: an index (None: the table's own key), its hash and sort key, and what else holds."""

    index: str | None
    hash: tuple[str, str]
    sort: str
    since: str | None
    equal: Mapping[str, str]
    contained: tuple[tuple[str, str], ...]  # attribute, and what it contains

    @property
    def is_filtered(self) -> bool:
        """Return whether rows are looked at that are not wanted."""
        return bool(self.equal or self.contained)

    @property
    def key(self) -> list[str]:
        """Return the attributes that tell where in the index a row lies."""
        return [*_KEY, *([self.hash[0], self.sort] if self.index else [])]

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of a Query, newest first."""
        held = [("=", self.hash)] + ([(">=", (self.sort, self.since))] if self.since else [])
        sieve = [("=", pair) for pair in self.equal.items()] + [("in", pair) for pair in self.contained]
        numbered = list(enumerate([*held, *sieve]))
        terms = [
            f"contains(#{place}, :{place})" if sign == "in" else f"#{place} {sign} :{place}"
            for place, (sign, _) in numbered
        ]
        asked = {
            "KeyConditionExpression": " AND ".join(terms[: len(held)]),
            "ExpressionAttributeNames": {f"#{place}": name for place, (_, (name, _value)) in numbered},
            "ExpressionAttributeValues": {f":{place}": {"S": value} for place, (_, (_name, value)) in numbered},
            "ScanIndexForward": False,
        }
        asked |= {"FilterExpression": " AND ".join(terms[len(held) :])} if self.is_filtered else {}
        return asked | ({"IndexName": self.index} if self.index else {})

    def cursor(self, row: Row) -> str:
        """Return the text that a list goes on by after a row."""
        place = {name: row[name]["S"] for name in self.key}
        return base64.urlsafe_b64encode(to_json(place)).decode().rstrip("=")

    def start(self, cursor: str) -> Row:
        """Return the key of the row that a cursor names; Refused where it is no cursor of this question."""
        try:
            place = from_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except ValueError:
            place = None
        is_key = isinstance(place, dict) and set(place) == set(self.key)
        if not is_key or not all(isinstance(text, str) and text for text in place.values()):
            raise Refused([f"{cursor!r} is not where a list of these runs goes on"], _REPEAT)
        if place[self.hash[0]] != self.hash[1]:
            raise Refused(["the list that was to go on had other filters"], _REPEAT)
        return {name: {"S": text} for name, text in place.items()}


_REPEAT = "Give --after as the list before printed it, with the same filters."


def question(wanted: Wanted) -> Question:
    """Return the question that looks at the fewest rows: by what most likely sets the wanted runs apart."""
    equal = {"batch": wanted.batch, "owner": wanted.owner, "pipeline": wanted.pipeline, "status": wanted.status}
    given = {name: str(value) for name, value in equal.items() if value is not None}
    contained = [("tags", tag_text(*tag)) for tag in wanted.tags.items()]
    contained += [("search", wanted.search.lower())] if wanted.search else []
    since = moment(wanted.since) if wanted.since else None
    if wanted.tags:
        tag = next(iter(wanted.tags.items()))
        return Question(None, ("kind", kind_of_tag(*tag)), "id", since, given, tuple(contained[1:]))
    rarest = sorted(given, key=lambda name: (name == "status" and wanted.status is RunStatus.SUCCEEDED, _RARE[name]))
    attribute = rarest[0] if rarest else "kind"
    value = given.pop(attribute, RUN)
    return Question(f"by-{attribute}", (attribute, value), PLACE, since, given, tuple(contained))


_RARE = {"batch": 0, "status": 1, "owner": 2, "pipeline": 3}
