"""Push a pipeline's code as a new version, and move what runs take. Each write is conditional: nobody's is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gristmill import keys
from gristmill.code.archive import pack
from gristmill.code.digest import CodeFile, digest_of
from gristmill.code.libraries import lock_digest
from gristmill.code.pushed import BUILT_IN, Current, Pusher, Version, find_digest, read_versions
from gristmill.code.source import Source, pipeline_of, sources_of
from gristmill.errors import GristmillError, Refused
from gristmill.runs.code import Code as RunCode
from gristmill.runs.code import Registered
from gristmill.runs.reading import find
from gristmill.storage import ObjectInfo, Storage

_NUMBERS_TRIED = 50  # each that is taken meanwhile is somebody else's push


@dataclass(frozen=True)
class Code:
    """What is pushed, and where from: its files, and the commit that they are of, if they are."""

    pipeline: str
    files: Sequence[CodeFile]
    git_commit: str | None
    dirty: bool
    lock: CodeFile | None = None  # of its libraries

    @property
    def digest(self) -> str:
        """Return the digest of the files."""
        return digest_of(self.files)


def source_of(code: Code) -> Source:
    """Return the source that a run takes once this code is pushed; its libraries are not fetched. Pure."""
    lock = lock_digest(code.lock.content) if code.lock else None
    made = RunCode(digest=code.digest, sources=sources_of(code.files), built_in=False, lock=lock)
    return Source(pipeline_of(code.files, Path(code.pipeline)), made, pack(code.files))


@dataclass(frozen=True)
class Pointer:
    """What runs of a pipeline take, as it was seen; `seen` is its object, None where there is none."""

    current: Current | None
    seen: ObjectInfo | None

    @property
    def number(self) -> int | None:
        """Return the version, None for the built-in one."""
        return self.current.number if self.current else None


def look(store: Storage, pipeline: str) -> Pointer:
    """Return what runs of a pipeline take, for `move` to hold what it meets against."""
    key = keys.pushed_current(pipeline)
    seen = store.head(key)  # first: a move in between makes the later one fail, and never passes unseen
    return Pointer(find(store, Current, key) if seen else None, seen)


@dataclass(frozen=True)
class Beside:
    """What was put in place for code, so that its runs can use it: digests of libraries, and job definitions."""

    libraries: Mapping[str, str] = field(default_factory=dict)  # by Python and platform
    definitions: Mapping[str, Registered] = field(default_factory=dict)  # by branch


def keep(store: Storage, code: Code, pusher: Pusher, message: str = "", beside: Beside = Beside()) -> Version:
    """Write the code and its entry of the log; return the version that it is from now on. No run takes it yet."""
    digest, archive = code.digest, pack(code.files)
    place = keys.pushed_code(code.pipeline, digest)
    store.put_new(place, archive)
    newest = next(iter(read_versions(store, code.pipeline)), None)
    first = newest.number + 1 if newest else 1
    for number in range(first, first + _NUMBERS_TRIED):
        version = Version(
            pipeline=code.pipeline,
            number=number,
            digest=digest,
            pusher=pusher,
            message=message,
            git_commit=code.git_commit,
            dirty=code.dirty,
            files=len(code.files),
            size=sum(len(file.content) for file in code.files),
            lock=lock_digest(code.lock.content) if code.lock else None,
            wheels=dict(beside.libraries),
            definitions=dict(beside.definitions),
        )
        if store.put_new(keys.pushed_entry(code.pipeline, number), version.model_dump_json().encode()):
            if store.head(place) is None:  # somebody deleted the last version that had it
                store.put_new(place, archive)
            return version
    raise GristmillError(f"versions of {code.pipeline} are pushed all the time.", "Repeat in a moment.")


def move(store: Storage, pipeline: str, pointer: Pointer, to: Version | None, pusher: Pusher) -> None:
    """Have runs take a version from now on, None being the built-in one; Refused where somebody else moved it."""
    made = Current(number=to.number if to else None, digest=to.digest if to else None, pusher=pusher)
    if store.put_over(keys.pushed_current(pipeline), made.model_dump_json().encode(), pointer.seen):
        return
    now = look(store, pipeline).current
    who = now.pusher.name if now else "somebody"
    where = describe(now.number) if now else "nothing"
    pushed = (
        f"Yours is {describe(to.number)}: to have runs take it, gristmill pipelines use {pipeline} {to.number}"
        if to
        else ""
    )
    raise Refused([f"current was moved by {who} a moment ago, to {where}"], pushed or "Look at it, then repeat.")


def describe(number: int | None) -> str:
    """Return a version as people say it."""
    return f"version {number}" if number else f"the {BUILT_IN} one"


def remove(store: Storage, version: Version, pusher: Pusher) -> None:
    """Note in the log that a version is deleted, and by whom; delete its code where no other version has the same."""
    key = keys.pushed_entry(version.pipeline, version.number)
    seen = store.head(key)
    noted = version.model_copy(update={"deleted": pusher})
    if seen is None or not store.put_if(key, noted.model_dump_json().encode(), seen.etag):
        raise GristmillError(f"{key} was changed a moment ago.", "Repeat in a moment.")
    code = keys.pushed_code(version.pipeline, version.digest)
    body = store.find(code)
    if body is None or find_digest(store, version.pipeline, version.digest):
        return
    store.delete(code)
    if find_digest(store, version.pipeline, version.digest):  # it was pushed again meanwhile
        store.put_new(code, body)
