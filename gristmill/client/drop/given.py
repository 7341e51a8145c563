"""What a user gives a run: a file of this machine, or an object of the bucket by its key."""

from pathlib import Path

from gristmill.errors import Refused
from gristmill.keys import GIVEN


def names_key(text: str) -> bool:
    """Return whether a text begins as a key of the bucket or a URI does, and so names no file."""
    return text.startswith(GIVEN) or "://" in text


def file_or_key(text: str) -> Path | str:
    """Return what a text names; Refused where it names a file that is none."""
    if names_key(text):
        return text
    if not Path(text).is_file():
        raise Refused([f"{text} is no file; an object of the bucket is named by its key, below {', '.join(GIVEN)}"])
    return Path(text)
