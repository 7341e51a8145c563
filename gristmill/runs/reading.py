"""Reading records: parsed strictly, bounded in size, with errors of one line."""

import logging
from collections.abc import Iterable, Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from gristmill.errors import Corrupt, NotFound, first_fault
from gristmill.limits import RECORD_MAX
from gristmill.storage import Storage

R = TypeVar("R", bound=BaseModel)
logger = logging.getLogger(__name__)


def find(store: Storage, kind: type[R], key: str) -> R | None:
    """Return a record, None where there is none; Corrupt where it is none of this version's making."""
    raw = store.find(key, RECORD_MAX + 1)
    return None if raw is None else _parse(kind, key, raw)


def read(store: Storage, kind: type[R], key: str) -> R:
    """Return a record; NotFound where there is none, else as `find`."""
    found = find(store, kind, key)
    if found is None:
        raise NotFound(f"{key} does not exist.")
    return found


def find_readable(store: Storage, kind: type[R], key: str) -> R | None:
    """Return a record, None where there is none, or one that is left out with a warning."""
    try:
        return find(store, kind, key)
    except Corrupt as error:
        logger.warning("left out: %s", error)
        return None


def readable(store: Storage, kind: type[R], keys: Iterable[str]) -> Iterator[R]:
    """Yield those records that can be read; the others are left out with a warning."""
    yield from (found for key in keys if (found := find_readable(store, kind, key)) is not None)


def _parse(kind: type[R], key: str, raw: bytes) -> R:
    if len(raw) > RECORD_MAX:
        raise Corrupt(f"{key} is no record: it has more than {RECORD_MAX:,} bytes")
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        raise Corrupt(f"{key} is no record of this version's making ({first_fault(error)})") from error
