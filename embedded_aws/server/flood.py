"""Keeps what anybody may cause from filling the log: it is cut, and of many records in a short time few are written."""

import logging
import time
from collections.abc import Callable

_SECONDS = 10.0
_MOST = 20  # records of a logger in that time
_CUT = 300  # characters of a message


class Flood(logging.Filter):
    """Lets a few records of a logger through in any ten seconds; the next one tells how many were left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._begun, self._count = clock(), 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written, cut to a length."""
        left_out = 0
        if self._clock() - self._begun >= _SECONDS:
            left_out = max(0, self._count - _MOST)
            self._begun, self._count = self._clock(), 0
        self._count += 1
        text = record.getMessage()
        note = f" ({left_out} more such lines were left out)" if left_out else ""
        record.msg, record.args = (text if len(text) <= _CUT else f"{text[:_CUT]}...") + note, ()
        return self._count <= _MOST
