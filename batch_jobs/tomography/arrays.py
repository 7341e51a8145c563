"""What lies between the stages: Zarr v3 arrays under the run's own prefix; each chunk has one writer.

Preprocess writes frames, process reads rows: the chunks are blocks of both, so the transpose needs no server.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boto3
import zarr
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.store import S3Store
from zarr.codecs import ZstdCodec
from zarr.errors import ContainsArrayError, ContainsGroupError
from zarr.storage import LocalStore, ObjectStore

from gristmill.storage import Storage
from gristmill.storage.folder import FolderStorage
from gristmill.task import Task

from .beam import Beam

_EMPTY_TOO = {"write_empty_chunks": True}  # which chunks exist tells what is done
VOLUME = "volume.ome.zarr"


@dataclass(frozen=True)
class Arrays:
    """The arrays and small records of one run."""

    store: Storage
    prefix: str
    zarr: Any

    def make(self, name: str, shape: Sequence[int], chunks: Sequence[int], **more: Any) -> None:
        """Make an array of float32; the one that an earlier attempt made stays."""
        sizes = tuple(min(pair) for pair in zip(shape, chunks, strict=True))
        with suppress(ContainsArrayError):
            zarr.create_array(
                self.zarr,
                name=name,
                shape=tuple(shape),
                chunks=sizes,
                dtype="float32",
                fill_value=0.0,
                compressors=ZstdCodec(level=1),
                config=_EMPTY_TOO,
                **more,
            )

    def make_group(self, name: str, attributes: Mapping[str, Any]) -> None:
        """Make a group; the one that an earlier attempt made stays."""
        with suppress(ContainsGroupError):
            zarr.create_group(self.zarr, path=name, zarr_format=3, attributes=dict(attributes))

    def open(self, name: str) -> Any:
        """Return an array to read and write."""
        return zarr.open_array(self.zarr, path=name, mode="r+", zarr_format=3, config=_EMPTY_TOO)

    def keep(self, name: str, record: Any) -> None:
        """Write a small record."""
        self.store.put(f"{self.prefix}{name}.json", json.dumps(record).encode())

    def keep_beam(self, beam: Beam) -> None:
        """Write the beam of a scan."""
        for name, values in (("beam", beam.open), ("dark", beam.dark)):
            self.make(name, values.shape, values.shape, attributes={"exponent": beam.exponent})
            self.open(name)[:] = values

    def kept_beam(self) -> Beam:
        """Return the beam of the scan."""
        opened, dark = self.open("beam"), self.open("dark")
        return Beam(opened[:], dark[:], opened.attrs["exponent"])

    def kept(self, name: str) -> Any:
        """Return a small record."""
        return self.store.read_json(f"{self.prefix}{name}.json")


def run_arrays(task: Task) -> Arrays:
    """Return the arrays of the task's run: in its bucket, or in the folder of a trial."""
    store = task.store
    return Arrays(
        store,
        task.prefix,
        LocalStore(store.path(task.prefix)) if isinstance(store, FolderStorage) else _in_bucket(task),
    )


def _in_bucket(task: Task) -> ObjectStore:
    session = boto3.Session()
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    bucket = S3Store(
        task.bucket,
        prefix=task.prefix.rstrip("/"),
        region=session.region_name,
        credential_provider=Boto3CredentialProvider(session),
        client_options={"allow_http": bool(endpoint and endpoint.startswith("http:"))},
        **({"endpoint": endpoint} if endpoint else {}),
    )
    return ObjectStore(bucket)
