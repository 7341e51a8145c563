"""A pipeline's folder, as it would be pushed: sound, whole, and with nothing from outside."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gristmill.client.pipelines import pipeline_folders
from gristmill.client.push.git import commit_of
from gristmill.client.push.imports import outside
from gristmill.code.digest import read_folder
from gristmill.code.inspection import inspect
from gristmill.code.libraries import lock_of
from gristmill.code.push import Code
from gristmill.errors import Refused
from gristmill.pipeline.loading import FILE, names, read

_TRAVEL = "Copy it into the folder, for nothing else travels; or install it as a library, here and in the jobs' image."


@dataclass(frozen=True)
class Named:
    """A pipeline as a command names it, by its name or by its folder: its name, and the folders to find it under."""

    name: str
    roots: Sequence[Path]
    folder: Path | None


def named(text: str) -> Named:
    """Return the pipeline that a text names; Refused where it names a folder that is none."""
    if not names_folder(text):
        return Named(text, pipeline_folders(), None)
    folder = Path(text).resolve()
    check_folder(folder)
    return Named(folder.name, [folder.parent], folder)


def check_folder(folder: Path) -> None:
    """Refuse a folder that is no pipeline's."""
    if not (folder / FILE).is_file():
        raise Refused([f"{folder} has no {FILE}"], "Name a pipeline's folder; begin one with: gristmill new NAME")


def names_folder(text: str) -> bool:
    """Return whether a text names a folder, and no pipeline: it has a slash, or is one of dots."""
    return os.sep in text or text in (os.curdir, os.pardir)


def read_code(folder: Path) -> Code:
    """Return the code of a pipeline's folder; Refused with every fault of it and of its pipeline.yaml."""
    here = folder.resolve()
    check_folder(here)
    files = read_folder(here)
    found = inspect(here / FILE)
    if found.faults:
        raise Refused(found.faults)
    pipeline = read(here / FILE)
    foreign = outside(files, here, pipeline.functions)
    if foreign:
        raise Refused(foreign, _TRAVEL)
    commit, dirty = commit_of(here, files)
    return Code(here.name, files, commit, dirty, lock_of(pipeline, files))


def is_built_in(pipeline: str) -> bool:
    """Return whether the stack itself brings a pipeline of this name."""
    return pipeline in names(pipeline_folders()[:1])
