"""What users have pushed of a pipeline: its versions, each with who, when and of which commit, and which one runs take.

Versions have numbers, taken by writing the log's entry of one where there is none. The code lies beside, under its
digest: several versions may have the same.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from gristmill import keys
from gristmill.code.archive import ARCHIVE_MAX, pack, read_archive
from gristmill.code.digest import DIGITS, CodeFile, digest_of
from gristmill.code.source import Source, pipeline_of, sources_of
from gristmill.errors import Corrupt, NotFound
from gristmill.limits import PUSH_MESSAGE_MAX
from gristmill.runs.code import Code as RunCode
from gristmill.runs.code import Libraries, Registered, Sha256
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.reading import find, read
from gristmill.runs.schema import Count, Record, Words
from gristmill.storage import Storage

Number = Annotated[int, Field(ge=1, lt=10**6)]
BUILT_IN = "built-in"  # what the stack itself brings under a pipeline's name
SHOWN_DIGITS = 12  # of a digest


class Pusher(Record):
    """Who did it, by the name on their machine and by the identity that AWS knew them by, and when."""

    name: Words
    identity: Words
    at: AwareDatetime


class Version(Record):
    """`log/<number>.json`: a version of a pipeline, who pushed it, and of what."""

    contract: Literal[1] = 1
    pipeline: str
    number: Number
    digest: Sha256
    pusher: Pusher
    message: Annotated[Words, StringConstraints(max_length=PUSH_MESSAGE_MAX)] = ""
    git_commit: Words | None  # None: in no git repository
    dirty: bool  # the code is not that of the commit alone
    files: Count
    size: Count  # bytes
    lock: Sha256 | None = None  # of the lock file of its libraries; None: it has none
    wheels: dict[str, Sha256] = Field(default_factory=dict)  # what they come to, by Python and platform
    definitions: dict[str, Registered] = Field(default_factory=dict)  # of branches with one of their own
    deleted: Pusher | None = None

    @property
    def short(self) -> str:
        """Return the first digits of its digest."""
        return self.digest[:SHOWN_DIGITS]

    @property
    def commit(self) -> str:
        """Return its commit as people are shown it, nothing where there is none."""
        changed = " with changes" if self.dirty else ""
        return f"{self.git_commit[:SHOWN_DIGITS]}{changed}" if self.git_commit else ""


class Current(Record):
    """`current.json`: the version that runs take where their drop names none; None for the built-in one."""

    contract: Literal[1] = 1
    number: Number | None
    digest: Sha256 | None
    pusher: Pusher


def find_current(store: Storage, pipeline: str) -> Current | None:
    """Return which version runs of a pipeline take, None where nothing was pushed for them."""
    return find(store, Current, keys.pushed_current(pipeline))


def read_version(store: Storage, pipeline: str, number: int) -> Version:
    """Return a version of a pipeline, a deleted one too; NotFound where there is none."""
    found = find(store, Version, keys.pushed_entry(pipeline, number))
    if found is None:
        raise NotFound(f"pipeline {pipeline} has no version {number}.", _see(pipeline))
    if (found.pipeline, found.number) != (pipeline, number):
        raise Corrupt(f"{keys.pushed_entry(pipeline, number)} is of version {found.number} of {found.pipeline}.")
    return found


def read_versions(store: Storage, pipeline: str) -> list[Version]:
    """Return all versions of a pipeline, the newest first."""
    listed = [entry.key for entry in store.list(keys.pushed_log(pipeline))]
    return store.together(lambda key: read(store, Version, key), reversed(listed))


def find_digest(store: Storage, pipeline: str, digest: str) -> Version | None:
    """Return the newest version with this digest that is not deleted, None where there is none."""
    found = (version for version in read_versions(store, pipeline) if version.digest == digest and not version.deleted)
    return next(found, None)


def resolve_version(store: Storage, pipeline: str, text: str | None) -> Version | None:
    """Return the version that a drop names, by number or digest; for None the current one. None: the built-in one.

    NotFound where it names one that there is not, or that was deleted.
    """
    number = _named(store, pipeline, text) if text else _pointed(store, pipeline)
    if number is None:
        return None
    version = read_version(store, pipeline, number)
    if version.deleted:
        gone = f"version {number} of pipeline {pipeline} was deleted by {version.deleted.name}"
        raise NotFound(f"{gone}.", _see(pipeline))
    return version


def _named(store: Storage, pipeline: str, text: str) -> int | None:
    if text == BUILT_IN:
        return None
    if text.isascii() and text.isdigit() and len(text) < DIGITS:
        return int(text)
    found = find_digest(store, pipeline, text)
    if found is None:
        raise NotFound(f"pipeline {pipeline} has no version {text!r}.", _see(pipeline))
    return found.number


def _pointed(store: Storage, pipeline: str) -> int | None:
    current = find_current(store, pipeline)
    return current.number if current else None


def read_body(store: Storage, version: Version) -> bytes:
    """Return the archive of a version's code, as it lies there."""
    key = keys.pushed_code(version.pipeline, version.digest)
    body = store.find(key, ARCHIVE_MAX + 1)
    if body is None:
        raise NotFound(f"{key}, the code of version {version.number}, is gone.", _see(version.pipeline))
    return body


def read_code(store: Storage, version: Version) -> Sequence[CodeFile]:
    """Return the files of a version, verified by its digest."""
    key = keys.pushed_code(version.pipeline, version.digest)
    files = read_archive(read_body(store, version), key)
    if digest_of(files) != version.digest:
        raise Corrupt(f"{key} was changed: it is not the code of its name.", "Delete it, and push the code again.")
    return files


def find_pushed(store: Storage, pipeline: str, wanted: str | None) -> Source | None:
    """Return the source of the version that a drop wants, None where that is the built-in one; raise as the others."""
    version = resolve_version(store, pipeline, wanted)
    if version is None:
        return None
    files = read_code(store, version)
    code = RunCode(
        digest=version.digest,
        sources=sources_of(files),
        version=version.number,
        built_in=False,
        git_commit=version.git_commit,
        dirty=version.dirty,
        lock=version.lock,
        libraries={
            abi: pinned_libraries(store, str(version.lock), abi, digest) for abi, digest in version.wheels.items()
        },
        definitions=version.definitions,
    )
    return Source(pipeline_of(files, Path(pipeline)), code, pack(files))


def pinned_libraries(store: Storage, lock_digest: str, abi: str, digest: str) -> Libraries:
    """Return the libraries of a lock file as they lie there; NotFound where they are gone."""
    key = keys.wheels(lock_digest, abi)
    held = store.head(key)
    if held is None:
        raise NotFound(f"{key}, libraries of the pipeline, is gone.", "Push the pipeline again.")
    return Libraries(object=ObjectVersion.of(held), digest=digest)


def _see(pipeline: str) -> str:
    return f"See those there are: gristmill pipelines versions {pipeline}"
