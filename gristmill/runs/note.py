"""A drop note: a small file under `inputs/` that names the files of a run, so that none begins without its second one.

Anybody who may drop files writes one by hand, too. It is parsed strictly: what cannot be meant is refused, with the
mend, and names no object that a run may not read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol, Self, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from gristmill import keys
from gristmill.errors import Refused, first_fault
from gristmill.limits import ANCESTORS_MAX, BATCH_ITEMS_MAX, FENCE_MAX, INPUTS_MAX, NOTE_MAX, S3_KEY_MAX_BYTES
from gristmill.pipeline.fields import ParameterName
from gristmill.pipeline.metadata import encode, plain_name
from gristmill.pipeline.parameter_rules import NO_CACHE, OWN, VERSION
from gristmill.pipeline.tags import as_metadata
from gristmill.printable import short
from gristmill.runs.archived import archive_fault
from gristmill.runs.chained import Ancestor
from gristmill.runs.drop import Drop
from gristmill.runs.schema import Record, Words
from gristmill.storage import ObjectInfo, Storage

_INPUT = "input"  # no other input is called so
_S3 = "s3://"
_VERSION_MAX = 64  # characters: a digest
_MEND = "Correct the note and drop it again."
_PUT = "put it there with: gristmill references put"


class _Given(Protocol):
    """A record that somebody gives, with parameters in it."""

    @property
    def params(self) -> Mapping[str, str]: ...

    @classmethod
    def model_validate_json(cls, json_data: str | bytes, *, strict: bool | None = None) -> Self: ...


G = TypeVar("G", bound=_Given)


class NotedObject(Record):
    """An object that a note names: of this version, or (None) of the newest."""

    key: Annotated[str, Field(min_length=1, max_length=S3_KEY_MAX_BYTES)]
    version: Annotated[str, Field(min_length=1, max_length=S3_KEY_MAX_BYTES)] | None = None


def _as_object(given: Any) -> Any:
    return {"key": given} if isinstance(given, str) else given


VersionText = Annotated[Words, Field(max_length=_VERSION_MAX)]  # of a pipeline: a number, or a digest
Noted = Annotated[NotedObject, BeforeValidator(_as_object)]  # a key alone will do


class DropNote(Record):
    """`<name>.drop.json`: `input` is cut into tasks; `inputs` has the other files, by their names in the pipeline."""

    contract: Literal[1]
    input: Noted
    inputs: Annotated[dict[ParameterName, Noted], Field(max_length=INPUTS_MAX)] = Field(default_factory=dict)
    params: dict[str, Words] = Field(default_factory=dict)  # as a dropped file's metadata has them
    owner: Words = ""
    tags: dict[str, Words] = Field(default_factory=dict)
    batch: Words | None = None
    no_cache: bool = False  # nothing of other runs is reused
    version: VersionText = ""
    origin: Annotated[list[Ancestor], Field(max_length=ANCESTORS_MAX)] = Field(default_factory=list)  # oldest first
    item: Annotated[int, Field(ge=1, le=BATCH_ITEMS_MAX)] | None = None  # a batch's own notes alone have it
    round: Annotated[int, Field(ge=1, le=FENCE_MAX)] = 1  # of the batch

    @property
    def _own(self) -> dict[str, str]:
        return {"owner": self.owner, VERSION: self.version, NO_CACHE: "true" if self.no_cache else ""}

    @property
    def metadata(self) -> dict[str, str]:
        """Return what would stand in the metadata of a dropped file."""
        own = {name: text for name, text in self._own.items() if text}
        texts = {name: encode(text) for name, text in {**own, **self.params}.items()}
        return texts | as_metadata(self.tags, self.batch)


@dataclass(frozen=True)
class Given:
    """What a drop gives its run: texts by parameter, the file that is cut into tasks, the others by name."""

    metadata: Mapping[str, str]
    source: ObjectInfo | None
    inputs: Mapping[str, ObjectInfo | None] = field(default_factory=dict)  # None: among the faults
    faults: tuple[str, ...] = ()  # of the note and of what it names
    origin: Sequence[Ancestor] = ()  # the runs that led to it
    place: keys.Place | None = None  # of an item of a batch


def read_given(store: Storage, drop: Drop) -> Given:
    """Return what a drop gives, be it the file itself or a note that names it."""
    head = store.head(drop.key, drop.version)
    if head is None:
        return Given({}, None, faults=(f"{drop.key} (version {drop.version}) is gone; drop the file again",))
    fault = archive_fault(head)
    if not keys.is_note(drop.key) or fault:
        return Given(head.metadata, head, faults=(fault,) if fault else ())
    try:
        note = read_note(store, head)
    except Refused as refused:
        return Given({}, None, faults=tuple(refused.advice))
    return _look(store, note)


def read_note(store: Storage, head: ObjectInfo) -> DropNote:
    """Return a drop note; Refused where it is none."""
    if head.size > NOTE_MAX:
        raise Refused([f"{head.key} has {head.size:,} bytes; a drop note has at most {NOTE_MAX:,}"], _MEND)
    return parse_note(head.key, store.read(head.key, 0, head.size, head.version, head.etag) if head.size else b"")


def parse_note(key: str, raw: bytes) -> DropNote:
    """Return the drop note that these bytes are; Refused, in one line, where they are none."""
    try:
        return parse_given(DropNote, raw)
    except ValueError as error:
        raise Refused([f"{key} is no drop note ({error})"], _MEND) from error


def parse_given(kind: type[G], raw: bytes) -> G:
    """Return what these bytes give, as JSON; ValueError, in one line, where they are none of its kind."""
    try:
        given = kind.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise ValueError(first_fault(error)) from error
    _refuse_twice(raw)
    _refuse_own(given.params)
    return given


def _refuse_own(params: Mapping[str, str]) -> None:
    """Raise ValueError where a name is not a parameter's."""
    for name in params:
        if plain_name(name) == "owner" or plain_name(name).startswith(OWN):
            raise ValueError(f"params: {short(name)} is no parameter; the note has fields of its own for what it gives")


def _refuse_twice(raw: bytes) -> None:
    """Raise ValueError where JSON, which is known to be sound, gives a name twice."""
    json.loads(raw, object_pairs_hook=_refuse_pairs)


def _refuse_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{short(name)} is given twice")
    return dict(pairs)


def _look(store: Storage, note: DropNote) -> Given:
    """Return what a note gives, its objects as they are now."""
    found: dict[str, ObjectInfo | None] = {}
    faults: list[str] = []
    for name, noted in [(_INPUT, note.input), *note.inputs.items()]:
        found[name] = None
        try:
            found[name] = find_object(store, noted)
        except Refused as refused:
            faults += [f"{name}: {fault}" for fault in refused.faults]
    place = keys.Place(note.item, note.round) if note.item else None
    return Given(note.metadata, found.pop(_INPUT, None), found, tuple(faults), note.origin, place)


def find_object(store: Storage, noted: NotedObject) -> ObjectInfo:
    """Return an object that a run is to read; Refused where it may not, or where there is none."""
    key = readable_key(noted.key, store.bucket)
    head = store.head(key, noted.version)
    if head is None:
        of_version = f" in version {noted.version}" if noted.version else ""
        mend = f"; {_PUT} {key.rpartition('/')[2]}" if key.startswith(keys.REFERENCES) and not noted.version else ""
        raise Refused([f"{short(key)} does not exist{of_version}{mend}"])
    if fault := archive_fault(head):
        raise Refused([fault])
    return head


def readable_key(text: str, bucket: str) -> str:
    """Return the key that a text means; Refused where it is none of a file that a run may read."""
    key = text.removeprefix(f"{_S3}{bucket}/")
    if "://" in key or key.lower().startswith("arn:"):
        raise Refused([f"{short(text)} is not in this bucket; a run reads this one alone: copy it to {_S3}{bucket}/"])
    if not key.startswith(keys.GIVEN):
        raise Refused([f"{short(text)} is not where runs find their files: name a key below {', '.join(keys.GIVEN)}"])
    kinds = {"a folder": key.endswith("/"), "a drop note": keys.is_note(key), "a batch note": keys.is_batch_note(key)}
    for kind in (kind for kind, is_it in kinds.items() if is_it):
        raise Refused([f"{short(text)} is {kind}; name the file itself"])
    return key
