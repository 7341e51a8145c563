"""Log streams of jobs: lines appear as they are written."""

import threading
import time
from typing import Any

from moto.logs.models import logs_backends

from embedded_aws.settings.settings import Settings

_LONGEST_LINE = 200_000  # bytes; CloudWatch Logs takes 256 KiB an event
_lock = threading.Lock()


class LogStream:
    """Writes bytes as they come, as one event a line; an unfinished line waits for its end."""

    def __init__(self, settings: Settings, group: str, name: str) -> None:
        self._backend: Any = logs_backends[settings.account][settings.region]
        self._group, self._name = group, name
        self._rest = b""
        with _lock:
            if group not in self._backend.groups:
                self._backend.create_log_group(group, {})
            self._backend.create_log_stream(group, name)

    def write(self, data: bytes) -> None:
        """Append the lines that are whole, and pieces of one that is too long."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest[:_LONGEST_LINE])
            self._rest = self._rest[_LONGEST_LINE:]
        self._put(lines)

    def close(self) -> None:
        """Append what has no line end."""
        if self._rest:
            self._put([self._rest])
            self._rest = b""

    def _put(self, lines: list[bytes]) -> None:
        stamp = int(time.time() * 1000)
        events = [{"timestamp": stamp, "message": line.decode(errors="replace")} for line in lines]
        if events:
            with _lock:
                self._backend.put_log_events(self._group, self._name, events)
