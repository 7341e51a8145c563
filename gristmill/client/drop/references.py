"""References: files of the bucket that many runs read, such as a genome. They start nothing and never expire."""

from collections.abc import Iterator
from pathlib import Path

from gristmill import keys
from gristmill.client.drop.drops import send
from gristmill.client.stack import Stack
from gristmill.errors import NotFound, Refused
from gristmill.limits import S3_KEY_MAX_BYTES
from gristmill.storage import ObjectInfo
from gristmill.storage.resumable import Hearer


def list_references(stack: Stack) -> Iterator[ObjectInfo]:
    """Yield the references by name."""
    yield from stack.store.list(keys.REFERENCES)


def put_reference(stack: Stack, file: Path, name: str, hearer: Hearer, records: Path) -> str:
    """Upload a file as the reference `name`, unless that has the same bytes already; return its key.

    Runs that began with an older version go on with that.
    """
    key = keys.reference(name)
    if {"", ".", ".."} & set(name.split("/")) or len(key.encode()) > S3_KEY_MAX_BYTES:
        raise Refused([f"{name!r} is no name of a file, or is too long for S3"], "Give another one: --name.")
    if not file.stat().st_size:
        raise Refused([f"{file} is empty"], "Nothing was uploaded.")
    send(stack.store, key, {}, file, hearer, records, once=True)
    return key


def remove_reference(stack: Stack, name: str) -> str:
    """Remove a reference; return its key. NotFound where there is none. Runs that have begun with it still read it."""
    key = keys.reference(name.removeprefix(keys.REFERENCES))
    if stack.store.head(key) is None:
        raise NotFound(f"there is no reference {name}.", "See which there are with: gristmill references list")
    stack.store.delete(key)
    return key
