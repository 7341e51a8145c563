"""Put a world in the place of the real one: what the core calls outside, and what is dear and without effect."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import gristmill.code.kept
import gristmill.report.make
import gristmill.report.write
import gristmill.runs.reading
import gristmill.runs.usage
import gristmill.steps.merge.merge
import gristmill.steps.split.preparing
import gristmill.storage.compose
import gristmill.storage.s3
import gristmill.worker.child.runner
from gristmill.code.source import Source
from tests.simulation import node_seams, seams
from tests.simulation.changes import changed
from tests.simulation.seams import ENVIRONMENT, WORLDS, kept

if TYPE_CHECKING:
    from tests.simulation.world import World

PART_MIN = 48  # bytes: S3's 5 MiB, so that small results are copied by S3 in parts too


class NoState:
    """Stands for the state of a child's process: jobs of the simulation change nothing of it."""

    def close(self) -> None: ...

    def restore(self) -> None: ...


_runner = gristmill.worker.child.runner
_find_source = kept(gristmill.steps.split.preparing.find_source)
_unpack = kept(gristmill.code.kept.unpack)  # into one folder, which stays
_code = kept(gristmill.code.kept.PipelineCode)
_software = kept(gristmill.runs.usage.software)


def _find_source_now(name: str, roots: Sequence[Path]) -> Source:
    source: Source = _find_source(name, roots)
    return changed(source) if WORLDS[-1].is_changed else source


_SWAPS: list[tuple[Any, str, Any]] = [
    (gristmill.storage.compose, "S3_PART_MIN", PART_MIN),
    (gristmill.storage.s3, "_READ_AHEAD", 4096),
    (gristmill.runs.reading, "_parse", seams.cached_parse),
    (gristmill.steps.split.preparing, "find_source", _find_source_now),
    (gristmill.code.kept, "unpack", lambda body, digest, _place, name: _unpack(body, digest, seams.CODE_FOLDER, name)),
    (gristmill.code.kept, "PipelineCode", _code),
    (gristmill.runs.usage, "software", _software),
    (gristmill.report.make, "software", _software),
    (gristmill.report.write, "page", lambda _report, _embedded: "<html>"),
    (gristmill.report.write.logger, "disabled", True),
    (gristmill.runs.reading.logger, "disabled", True),
    (gristmill.steps.merge.merge.logger, "disabled", True),
    (_runner, "already_there", list),
    (_runner, "end_detached", lambda _spared: None),
    (_runner, "ProcessState", NoState),
]


@contextmanager
def at_work(simulated: "World") -> Iterator[None]:
    """Put a world in the place of the real one."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, ENVIRONMENT))
        for module, name, value in [*_SWAPS, *node_seams.SWAPS]:
            stack.enter_context(mock.patch.object(module, name, value))
        WORLDS.append(simulated)
        try:
            yield
        finally:
            WORLDS.pop()
