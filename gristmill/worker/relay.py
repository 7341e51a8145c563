"""Pass a program's output on to the log."""

import codecs
import os
import sys
import threading
from typing import IO


class Relay(threading.Thread):
    """Pass what a pipe carries to the log as it comes, and keep the last `kept` bytes of it."""

    def __init__(self, stream: IO[bytes] | None, kept: int) -> None:
        super().__init__(name="relay", daemon=True)
        self._stream = stream
        self._most = kept
        self._kept = b""
        self.start()

    def run(self) -> None:
        """Read until the other end is closed."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while self._stream and (block := os.read(self._stream.fileno(), 65536)):
            self._kept = (self._kept + block)[-self._most :]
            sys.stdout.write(decoder.decode(block))
            sys.stdout.flush()

    @property
    def tail(self) -> str:
        """Return the end of the output."""
        return self._kept.decode(errors="replace")
