"""Datasets of an HDF5 file that lie in this very file.

A dropped file may name others: by external links, by virtual datasets, by external raw storage. HDF5 would read them
from the machine that the job runs on, or give fill values where they are missing, so each is refused by its name.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
from h5py import h5d, h5z

from gristmill.errors import Refused

_HOPS = 16  # soft links that a path may go through
_LISTED = 30  # datasets that a refusal names
_DAMAGED = (OSError, RuntimeError, KeyError, TypeError, ValueError)  # whatever h5py raises for what it cannot read
_COPY = "Copy the data into the file, as `h5repack` or `h5py.Dataset[:]` do, and drop it again."


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Refuse what HDF5 cannot read, naming it."""
    try:
        yield
    except _DAMAGED as error:
        mend = "The file may be damaged or cut off: check it with `h5dump`, copy it anew and drop it again."
        raise Refused([f"{what} cannot be read: {error}"], mend) from error


def find(file: h5py.File, path: str) -> Any:
    """Return the group or dataset at a path, None where there is none; Refused where it lies in another file."""
    with reading(path):
        return _follow(file, path, path, _HOPS)


def _follow(group: h5py.Group, path: str, asked: str, hops: int) -> Any:
    here: Any = group.file if path.startswith("/") else group
    for name in filter(None, path.split("/")):
        if not isinstance(here, h5py.Group):
            return None
        link = here.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise Refused([f"{asked} is a link into another file, {link.filename!r}, which is not read"], _COPY)
        if isinstance(link, h5py.SoftLink):
            if not hops:
                raise Refused([f"{asked} goes through more than {_HOPS} links, maybe in a circle"], _COPY)
            here = _follow(here, link.path, asked, hops - 1)
        else:
            here = here[name] if link is not None else None
    return here


def local(dataset: h5py.Dataset, path: str) -> h5py.Dataset:
    """Return a dataset of numbers whose bytes lie in its own file and can be decoded here; Refused otherwise."""
    with reading(path):
        made = dataset.id.get_create_plist()
        if made.get_layout() == h5d.VIRTUAL:
            sources = sorted({source.file_name for source in dataset.virtual_sources()})
            raise Refused([f"{path} is a virtual dataset of {_names(sources)}, which are not read"], _COPY)
        if made.get_external_count():
            name = made.get_external(0)[0].decode(errors="replace")
            raise Refused([f"{path} keeps its data in another file, {name!r}, which is not read"], _COPY)
        for number in range(made.get_nfilters()):
            code, _, _, name = made.get_filter(number)
            if not h5z.filter_avail(code):
                text = f"{path} is compressed by the filter {code} ({name.decode(errors='replace')}), unknown here"
                raise Refused([text], "Repack it with `h5repack -f GZIP=1` and drop it again.")
        if dataset.dtype.kind not in "iuf":
            raise Refused([f"{path} holds {dataset.dtype}, not numbers"], "Name a dataset of integers or floats.")
    return dataset


def _names(sources: list[str]) -> str:
    return ", ".join(map(repr, sources[:3])) + (f" and {len(sources) - 3} more" if len(sources) > 3 else "")


def check_written(dataset: h5py.Dataset, path: str) -> None:
    """Refuse a dataset of which parts were never written: they would read as its fill value."""
    with reading(path):
        if not dataset.id.get_storage_size():
            raise Refused([f"{path} was made and never written"], "Write its data and drop the file again.")
        if dataset.chunks is None:
            return
        wanted = math.prod(-(-size // chunk) for size, chunk in zip(dataset.shape, dataset.chunks, strict=True))
        there = dataset.id.get_num_chunks()
    if there < wanted:
        mend = "Write what is missing, or cut off the frames that have no data and their angles."
        raise Refused([f"{path} has {wanted} chunks, of which {wanted - there} were never written"], mend)


def names(file: h5py.File) -> list[str]:
    """Return the names of some datasets of a file."""
    found: list[str] = []
    with reading("the list of datasets"):
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found[:_LISTED]


def text_attribute(dataset: h5py.Dataset, path: str, name: str) -> str:
    """Return a text attribute, empty where it is absent or empty; Refused where it is no text."""
    with reading(f"the attribute {name} of {path}"):
        value = dataset.attrs.get(name)
        if value is None or isinstance(value, h5py.Empty):
            return ""
        value = value.ravel()[0] if getattr(value, "size", 0) == 1 else value
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        raise Refused([f"the attribute {name} of {path} is {value!r}, not a text"], "Write a text, or remove it.")
    return text.strip()
