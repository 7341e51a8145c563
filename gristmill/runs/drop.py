"""A dropped object: its identity, and whether it is a drop at all."""

import hashlib
from dataclasses import dataclass

from gristmill import keys

_TEMPORARY = (".part", ".partial", ".tmp", ".crdownload", ".filepart")
RUN_DIGITS = 16  # of a run's id, hexadecimal


@dataclass(frozen=True)
class Drop:
    """What the S3 event says of the object. Keys arrive raw, not URL-encoded."""

    bucket: str
    key: str
    version: str | None
    etag: str
    size: int
    sequencer: str
    requester: str

    @property
    def run(self) -> str:
        """Return the id of the run that this drop starts."""
        return run_id(self.bucket, self.key, self.version, self.etag, self.sequencer)


def run_id(bucket: str, key: str, version: str | None, etag: str, sequencer: str) -> str:
    """Return a run's id: the same for every event of the same object version.

    A version is created once, so it decides where the bucket has versions; else ETag and sequencer do.
    """
    identity = (bucket, key, version) if version not in (None, "", "null") else (bucket, key, etag, sequencer)
    return hashlib.sha256("\0".join(map(str, identity)).encode()).hexdigest()[:RUN_DIGITS]


def is_no_drop(key: str) -> str | None:
    """Return why a key starts no run (a folder marker, a temporary name), None where it does."""
    name = key.removeprefix(keys.INPUTS).partition("/")[2].rpartition("/")[2]
    if key.endswith("/"):
        return "a folder marker"
    if name.startswith(".") or name.endswith("~") or name.lower().endswith(_TEMPORARY):
        return "a temporary name"
    return None
