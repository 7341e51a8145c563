"""Dropping a file: checked before it travels, uploaded with its parameters, and its run found."""

import hashlib
import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from gristmill.client.drop.upload import Upload
from gristmill.client.outage import Patience
from gristmill.client.runs.find import CLAIM_SECONDS, Run, find_run
from gristmill.client.stack import Stack
from gristmill.clock import REAL, Clock
from gristmill.errors import NotFound
from gristmill.limits import S3_KEY_MAX_BYTES, S3_METADATA_MAX_BYTES
from gristmill.pipeline.metadata import plain_name, twice
from gristmill.pipeline.parameter_rules import OWN
from gristmill.runs.drop import is_no_drop, run_id
from gristmill.runs.repository import find_record
from gristmill.storage.resumable import Hearer, PartUpload
from gristmill.storage.s3 import S3Storage
from gristmill.storage.upload_record import slot

_NOT_XML = re.compile(r"[^\t\n\r -\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 has no place for
_HEADER = re.compile(r"[a-z0-9._-]+")
_LOOK_SECONDS = 0.2
_LOOKS_PER_SEARCH = 25


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
    if size > S3_METADATA_MAX_BYTES and not upload.inputs:  # a note has room for more
        found.append(
            f"the parameters take {size:,} bytes as S3 carries them, which allows {S3_METADATA_MAX_BYTES:,} in all; "
            "put what is long into the file itself"
        )
    return found


def drop(stack: Stack, upload: Upload, hearer: Hearer, records: Path) -> str:
    """Upload the file, or all files and then the note that names them; return the id of the run that this starts.

    One that was interrupted goes on, by what `records` has of it; of a note's files those that are there already are
    not sent again. Even a small file goes up in parts: where no answer comes a plain write is repeated, and starts a
    second run.
    """
    if not upload.inputs:
        version, etag = send(stack.store, upload.key, upload.metadata, upload.file, hearer, records)
    else:
        files = {upload.data_key: upload.file, **upload.files}
        sent = {key: send(stack.store, key, {}, file, hearer, records, once=True) for key, file in files.items()}
        note = upload.note({key: version for key, (version, _) in sent.items()})
        version, etag = send_body(stack.store, upload.key, note, Hearer(lambda _: None, lambda _: None), records)
    return run_id(stack.store.bucket, upload.key, version, etag.strip('"'), "")


def send(
    store: S3Storage,
    key: str,
    metadata: Mapping[str, str],
    file: Path,
    hearer: Hearer,
    records: Path,
    *,
    once: bool = False,
) -> tuple[str | None, str]:
    """Upload a file in parts, or go on with that; return version and ETag of the object.

    With `once`, one that has the same bytes already is left as it is.
    """
    place = [*store.place, key, sorted(metadata.items())]
    identity = [*place, os.fsencode(file.resolve()).hex()]
    with file.open("rb") as opened, slot(records, identity, hearer.note) as kept:
        parts = PartUpload(store, key, metadata, opened.fileno())
        return (parts.find_same(hearer) if once else None) or parts.send(kept, hearer)


def send_body(
    store: S3Storage, key: str, body: bytes, hearer: Hearer, records: Path, *, once: bool = False
) -> tuple[str | None, str]:
    """Write bytes as `send` does a file; the same command finds whether an answer that was lost told of a run."""
    identity = [*store.place, key, hashlib.sha256(body).hexdigest()]
    with TemporaryFile() as file, slot(records, identity, hearer.note) as kept:
        file.write(body)
        file.flush()
        os.utime(file.fileno(), (0, 0))  # the same body is the same file
        parts = PartUpload(store, key, {}, file.fileno())
        return (parts.find_same(hearer) if once else None) or parts.send(kept, hearer)


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
