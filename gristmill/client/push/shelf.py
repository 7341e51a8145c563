"""All pipelines that a user may name: those of this machine, and those that were pushed to the stack."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.client.pipelines import pipeline_folders
from gristmill.client.push.known import fetch
from gristmill.code.pushed import Version, resolve_version
from gristmill.errors import GristmillError, Refused
from gristmill.keys import PUSHED
from gristmill.pipeline.loading import load, names, read
from gristmill.pipeline.model import Pipeline
from gristmill.storage.s3 import S3Storage


@dataclass(frozen=True)
class Shelved:
    """A pipeline's name, what it is (None: it has faults), and the version of it that runs take, in words."""

    name: str
    pipeline: Pipeline | None
    runs: str


def read_shelf(pushed: S3Storage | None) -> list[Shelved]:
    """Return the pipelines by name, each as runs take it; without a bucket those of this machine alone."""
    here, versions = pipeline_folders(), _versions(pushed) if pushed else {}
    built_in = [Shelved(name, _load(name, here), "") for name in names(here) if name not in versions]
    fetched = [_shelved(pushed, version) for version in versions.values() if pushed]
    return sorted([*built_in, *fetched], key=lambda item: item.name)


def _versions(store: S3Storage) -> dict[str, Version]:
    """Return the version that runs take of each pipeline that was pushed for them."""
    found = [folder.removeprefix(PUSHED).rstrip("/") for folder in store.folders(PUSHED)]
    current = store.together(lambda name: resolve_version(store, name, None), found)
    return {version.pipeline: version for version in current if version}


def _shelved(store: S3Storage, version: Version) -> Shelved:
    with TemporaryDirectory(prefix="gristmill-pushed-") as place:
        try:
            pipeline = read(fetch(store, version, Path(place)))
        except GristmillError:
            pipeline = None
    return Shelved(version.pipeline, pipeline, f"version {version.number} of {version.pusher.name}")


def _load(name: str, places: Sequence[Path]) -> Pipeline | None:
    try:
        return load(name, places)
    except Refused:
        return None
