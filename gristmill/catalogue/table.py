"""The table of the catalogue: rows are written where nothing newer stands, and read a page at a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gristmill.catalogue.entry import Entry
from gristmill.catalogue.rows import PLACE, REBUILT, RUN, Row, entry_in, moment, rows, version_in
from gristmill.catalogue.wanted import Wanted, question

# A catalogue that does not answer may cost a function 18 s at most: what it writes there is a copy
IMPATIENT = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=3)
_LOOKED_AT = 1000  # rows in one request, where not all of them are wanted
_NOTHING, _THE_SAME = "attribute_not_exists(#version)", "#version = :version"
_NOT_NEWER = f"{_NOTHING} OR #version <= :version"
_FAILED = "ConditionalCheckFailedException"


def is_no_catalogue(error: ClientError) -> bool:
    """Return whether the table is not there, or not for whoever asks: an earlier stack, or an earlier policy."""
    return error.response["Error"]["Code"] in ("ResourceNotFoundException", "AccessDeniedException")


@dataclass(frozen=True)
class Page:
    """A page of runs, newest first; `after` is where the next begins, None where there is no more."""

    entries: list[Entry]
    after: str | None
    unreadable: int = 0  # rows that somebody has written something else into
    is_rebuilt: bool = False  # it reaches the note that runs from before there was a catalogue are in it


@dataclass(frozen=True)
class Catalogue:
    """The table with this name, by a client of DynamoDB."""

    table: str
    client: Any

    def note(self, entry: Entry) -> str:
        """Write an entry unless a newer one is there; return why it could not be written, empty if it was.

        Nothing depends on it: whoever writes it goes on without.
        """
        try:
            for row in rows(entry):
                self._put(row, _NOT_NEWER, entry.version)
        except (ClientError, BotoCoreError) as error:
            return str(error)
        return ""

    def replace(self, entry: Entry, seen: int | None) -> bool:
        """Write an entry over whatever stands there, if that still has the version that was `seen` (None: no row).

        Return whether it was written.
        """
        own, *copies = rows(entry)
        if not self._put(own, _NOTHING if seen is None else _THE_SAME, seen):
            return False
        for copy in copies:
            self._put(copy, _NOT_NEWER, entry.version)
        return True

    def _put(self, row: Row, condition: str, version: int | None) -> bool:
        """Write a row where a condition holds; return whether it did."""
        values = {} if version is None else {"ExpressionAttributeValues": {":version": {"N": str(version)}}}
        names = {"#version": "version"}
        try:
            self.client.put_item(
                TableName=self.table, Item=row, ConditionExpression=condition, ExpressionAttributeNames=names, **values
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _FAILED:
                raise
            return False
        return True

    def mark_rebuilt(self, now: datetime) -> None:
        """Note that runs from before there was a catalogue are in it: a row that is the last of every full list."""
        mark = {"kind": {"S": RUN}, "id": {"S": REBUILT}, PLACE: {"S": REBUILT}, "at": {"S": moment(now)}}
        self.client.put_item(TableName=self.table, Item=mark)

    def find(self, run: str) -> Entry | None:
        """Return the entry of a run, None where there is none that can be read."""
        row = self._row(run)
        return entry_in(row) if row else None

    def version(self, run: str) -> int | None:
        """Return the version of a run's row, None where there is none."""
        row = self._row(run)
        return version_in(row) if row else None

    def _row(self, run: str) -> Row | None:
        key = {"kind": {"S": RUN}, "id": {"S": run}}
        found: Row | None = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
        return found

    def starting_with(self, digits: str, limit: int) -> list[Entry]:
        """Return entries of runs whose ids start with some digits."""
        answer = self.client.query(
            TableName=self.table,
            KeyConditionExpression="#kind = :kind AND begins_with(#id, :id)",
            ExpressionAttributeNames={"#kind": "kind", "#id": "id"},
            ExpressionAttributeValues={":kind": {"S": RUN}, ":id": {"S": digits}},
            Limit=limit,
        )
        return list(filter(None, map(entry_in, answer["Items"])))

    def page(self, wanted: Wanted, limit: int, after: str | None = None) -> Page:
        """Return the next runs that are wanted, at most `limit`, by one request.

        Where few of those it looks at are wanted, there are fewer on the page, though more may follow.
        """
        asked = question(wanted)
        start = {"ExclusiveStartKey": asked.start(after)} if after else {}
        limits = max(limit, _LOOKED_AT) if asked.is_filtered else limit
        answer = self.client.query(TableName=self.table, **asked.arguments(), **start, Limit=limits)
        found: list[Row] = answer["Items"][:limit]
        is_cut = len(answer["Items"]) > limit
        last = found[-1] if is_cut else answer.get("LastEvaluatedKey")
        runs = [row for row in found if row["id"]["S"] != REBUILT]
        entries = list(filter(None, map(entry_in, runs)))
        after = asked.cursor(last) if last else None
        return Page(entries, after, len(runs) - len(entries), len(runs) < len(found))
