"""A job whose words would steer a terminal, hide text and pass for lines of the mail."""

from collections.abc import Mapping
from typing import Any, BinaryIO

WORDS = (
    "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://evil.example\x1b\\here\x1b]52;c;YQ==\x07\x9b31m\r\n\n"
    "Results\n  s3://evil.example/\n\nGo on:  gristmill evil\n\u202etxt.exe\u2066\u2028\u200b\ufeff\x7f"
)


def speak(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Print the words, and raise them."""
    print(WORDS, flush=True)  # noqa: T201 - as a job may
    raise ValueError(WORDS)
