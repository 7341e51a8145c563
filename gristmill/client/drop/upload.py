"""What a user drops: a file, or a note that names it together with other inputs."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gristmill import keys
from gristmill.client.user import utf8
from gristmill.pipeline.metadata import encode
from gristmill.pipeline.parameter_rules import NO_CACHE, VERSION
from gristmill.pipeline.tags import as_metadata
from gristmill.runs.note import DropNote, NotedObject

_ID_DIGITS = 16


@dataclass(frozen=True)
class Upload:
    """A file to drop: under which name, for which pipeline, with which parameters as text.

    `inputs` are the run's other inputs by name: files of this machine, or keys of the bucket. Where there are any, a
    note that names all of them is dropped in the file's place.
    """

    file: Path
    pipeline: str
    name: str
    parameters: Mapping[str, str]
    owner: str
    inputs: Mapping[str, Path | str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    batch: str | None = None
    version: int | None = None  # of the pipeline; None: the one that runs take
    no_cache: bool = False  # nothing of other runs is reused

    @property
    def key(self) -> str:
        """Return the key of what is dropped."""
        return (keys.note_key if self.inputs else keys.input_key)(self.pipeline, self.name)

    @property
    def data_key(self) -> str:
        """Return the key that the file itself will have."""
        return upload_key(self.file) if self.inputs else self.key

    @property
    def files(self) -> dict[str, Path]:
        """Return the other inputs that are files of this machine, by the keys that they will have."""
        return {upload_key(file): file for file in self.inputs.values() if isinstance(file, Path)}

    @property
    def metadata(self) -> dict[str, str]:
        """Return the object's user metadata; S3's clients send names in lower case, with hyphens."""
        given = {name.replace("_", "-").lower(): text for name, text in self.parameters.items()}
        own = {VERSION.replace("_", "-"): str(self.version)} if self.version else {}
        own |= {NO_CACHE.replace("_", "-"): "true"} if self.no_cache else {}
        texts = {name: encode(text) for name, text in {"owner": self.owner, **own, **given}.items()}
        return texts | as_metadata(self.tags, self.batch)

    def note(self, versions: Mapping[str, str | None]) -> bytes:
        """Return the drop note, with the versions that uploaded keys have."""

        def noted(given: Path | str) -> NotedObject:
            key = upload_key(given) if isinstance(given, Path) else given
            return NotedObject(key=key, version=versions.get(key))

        made = DropNote(
            contract=1,
            input=noted(self.file),
            inputs={name: noted(given) for name, given in self.inputs.items()},
            params=dict(self.parameters),
            owner=self.owner,
            tags=dict(self.tags),
            batch=self.batch,
            no_cache=self.no_cache,
            version=str(self.version) if self.version else "",
        )
        return made.model_dump_json(exclude_none=True).encode()


def upload_key(file: Path) -> str:
    """Return the key of a file of this machine that a note names: the same as long as the file stays as it is."""
    status = file.stat()
    seen = [os.fsencode(file.resolve()).hex(), status.st_size, status.st_mtime_ns]
    return keys.upload(hashlib.sha256(repr(seen).encode()).hexdigest()[:_ID_DIGITS], utf8(file.name))
