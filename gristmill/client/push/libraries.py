"""The libraries of a pipeline's lock file: put where its runs find them, or fetched for a trial."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.client.push.wheels import fetch_wheels
from gristmill.client.stack import Stack
from gristmill.code.archive import read_archive
from gristmill.code.digest import CodeFile
from gristmill.code.libraries import IMAGE, keep_libraries, lock_digest, lock_of, own_abi
from gristmill.code.push import Code
from gristmill.code.pushed import pinned_libraries, read_versions
from gristmill.code.source import Source
from gristmill.errors import Refused
from gristmill.runs.code import Libraries
from gristmill.storage import Storage

Hear = Callable[[str], None]  # is given what the user should know


def push_libraries(stack: Stack, code: Code, hear: Hear) -> dict[str, str]:
    """Put the libraries of a lock file where runs find them; return their digests by Python and platform.

    They are fetched for the image's Python and for this machine's own, which on the embedded AWS is what jobs run on.
    Refused where the image, or on the embedded AWS this machine, cannot have one of them.
    """
    if code.lock is None:
        return {}
    named, wanted = lock_digest(code.lock.content), {IMAGE, own_abi()}
    for version in read_versions(stack.store, code.pipeline):
        if version.lock == named and wanted <= version.wheels.keys():
            return version.wheels
    digests = {}
    for abi in sorted(wanted):
        hear(f"Fetching the libraries of {code.lock.path} for {abi}.")
        try:
            digests[abi] = keep_libraries(stack.store, named, abi, _fetch(code.lock, abi))
        except Refused as refused:
            if abi == IMAGE or stack.target.local:
                raise
            hear(f"Not for this machine: {refused}")
    return digests


def try_libraries(store: Storage, source: Source) -> dict[str, Libraries]:
    """Fetch the libraries of a pipeline that is tried, for this machine alone; return them, none where it has none."""
    lock = lock_of(source.pipeline, read_archive(source.archive, source.pipeline.name))
    if lock is None:
        return {}
    named, abi = lock_digest(lock.content), own_abi()
    return {abi: pinned_libraries(store, named, abi, keep_libraries(store, named, abi, _fetch(lock, abi)))}


def _fetch(lock: CodeFile, abi: str) -> list[CodeFile]:
    with TemporaryDirectory(prefix="gristmill-lock-") as folder:
        file = Path(folder, Path(lock.path).name)
        file.write_bytes(lock.content)
        return fetch_wheels(file, abi)
