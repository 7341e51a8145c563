"""Dropping a file: checked before it travels, uploaded with its parameters, and its run found."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gristmill import keys
from gristmill.client.outage import Patience
from gristmill.client.runs.find import CLAIM_SECONDS, Run, find_run
from gristmill.client.stack import Stack
from gristmill.clock import REAL, Clock
from gristmill.errors import NotFound
from gristmill.limits import S3_KEY_MAX_BYTES, S3_METADATA_MAX_BYTES
from gristmill.pipeline.metadata import encode, plain_name, twice
from gristmill.pipeline.parameter_rules import OWN, VERSION
from gristmill.pipeline.tags import as_metadata
from gristmill.runs.drop import is_no_drop, run_id
from gristmill.runs.repository import find_record
from gristmill.storage.resumable import Hearer, PartUpload
from gristmill.storage.upload_record import slot

_NOT_XML = re.compile(r"[^\t\n\r -\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 has no place for
_HEADER = re.compile(r"[a-z0-9._-]+")
_LOOK_SECONDS = 0.2
_LOOKS_PER_SEARCH = 25


@dataclass(frozen=True)
class Upload:
    """A file to drop: under which name, for which pipeline, with which parameters as text."""

    file: Path
    pipeline: str
    name: str
    parameters: Mapping[str, str]
    owner: str
    tags: Mapping[str, str] = field(default_factory=dict)
    batch: str | None = None
    version: int | None = None  # of the pipeline; None: the one that runs take

    @property
    def key(self) -> str:
        """Return the key that it will have."""
        return keys.input_key(self.pipeline, self.name)

    @property
    def metadata(self) -> dict[str, str]:
        """Return the object's user metadata; S3's clients send names in lower case, with hyphens."""
        given = {name.replace("_", "-").lower(): text for name, text in self.parameters.items()}
        own = {VERSION.replace("_", "-"): str(self.version)} if self.version else {}
        texts = {name: encode(text) for name, text in {"owner": self.owner, **own, **given}.items()}
        return texts | as_metadata(self.tags, self.batch)


def faults(upload: Upload) -> list[str]:
    """Return what S3 would refuse or Gristmill overlook; what Split refuses is told by `planning.record_of`."""
    found = []
    why_not = is_no_drop(upload.key)
    if why_not:
        found.append(f"{upload.name} is {why_not} and starts no run; give another one with --name")
    if not upload.file.is_file():
        found.append(f"{upload.file} is no file; write what it gives to one first")
    if _NOT_XML.search(upload.key):
        found.append(f"{upload.name} has characters that no listing of S3 can carry; give another one with --name")
    if len(upload.key.encode()) > S3_KEY_MAX_BYTES:
        found.append(f"the name is longer than S3 allows ({S3_KEY_MAX_BYTES} bytes with its folder)")
    return found + parameter_faults(upload)


def parameter_faults(upload: Upload) -> list[str]:
    """Return what S3 would refuse of the parameters, and those that are given twice."""
    found = twice(upload.parameters)
    own = [name for name in upload.parameters if plain_name(name).startswith(OWN)]
    found += [f"parameter {name}: names that begin with {OWN} are reserved" for name in own]
    found += [
        f"parameter {name!r}: S3 takes letters, digits, - _ and . in a name"
        for name in upload.metadata
        if not _HEADER.fullmatch(name)
    ]
    size = sum(len(name) + len(text) for name, text in upload.metadata.items())
    if size > S3_METADATA_MAX_BYTES:
        found.append(
            f"the parameters take {size:,} bytes as S3 carries them, which allows {S3_METADATA_MAX_BYTES:,} in all; "
            "put what is long into the file itself"
        )
    return found


def drop(stack: Stack, upload: Upload, hearer: Hearer, records: Path) -> str:
    """Upload the file; return the id of the run that this starts.

    One that was interrupted goes on, by what `records` has of it. Even a small file goes up in parts: where no answer
    comes a plain write is repeated, and starts a second run.
    """
    place = [*stack.store.place, upload.key, sorted(upload.metadata.items())]
    with (
        upload.file.open("rb") as file,
        slot(records, [*place, os.fsencode(upload.file.resolve()).hex()], hearer.note) as kept,
    ):
        parts = PartUpload(stack.store, upload.key, upload.metadata, file.fileno())
        version, etag = parts.send(kept, hearer)
    return run_id(stack.store.bucket, upload.key, version, etag.strip('"'), "")


def await_run(stack: Stack, run: str, patience: Patience, seconds: float = CLAIM_SECONDS, clock: Clock = REAL) -> Run:
    """Return a run that was just dropped, once its execution has claimed it or ended.

    NotFound after looking for `seconds`, an outage not counted.
    """
    for place in range(1, round(seconds / _LOOK_SECONDS) + 1):
        found = patience.call(partial(_begun, stack, run, place % _LOOKS_PER_SEARCH == 0))
        if found is not None:
            return found
        clock.sleep(_LOOK_SECONDS)
    raise NotFound(
        f"the file is uploaded, but run {run} has not begun after {seconds:.0f} s.",
        "Look at it later with: gristmill runs; if it never comes, its event lies in the dead-letter queue.",
    )


def _begun(stack: Stack, run: str, search: bool) -> Run | None:
    """Return a run that is claimed, and with `search` one that ended before its claim; else None."""
    if find_record(stack.store, run) is not None:
        return find_run(stack, run)
    if not search:
        return None
    try:
        found = find_run(stack, run)
    except NotFound:
        return None
    return found if found.execution.ended is not None else None
