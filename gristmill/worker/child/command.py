"""Run any program as a job: stage its input to a file, read its output from one, send its messages to the log."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from gristmill.limits import DISK_RESERVE, MIB
from gristmill.pipeline.placeholders import as_text
from gristmill.task import Task
from gristmill.worker.child.process import ProgramFailed, run

_COPY = 1 * MIB


@dataclass(frozen=True)
class Program:
    """A job that runs `words(placeholders)` in an empty folder of its own.

    The same values are in its environment: INPUT, OUTPUT, ITEM, TASK, RUN, PIPELINE and PARAM_<NAME>.
    """

    words: Callable[[Mapping[str, object]], list[str]]
    pipeline: Path
    suffix: str
    input_name: str

    def __call__(self, source: Any, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
        """Stage, run, and hand the output on; a missing output is a failure."""
        with TemporaryDirectory(prefix="task-") as name:
            folder = Path(name)
            given, made, work = folder / f"input{self._ending}", folder / f"output{self.suffix}", folder / "work"
            work.mkdir()
            check_space(folder, task.size)
            stage(source, given)
            values = self.values(given, made, parameters, task)
            run(self.words(values), work, environment(values))
            if not made.is_file():
                raise ProgramFailed("the program ended with exit code 0, but wrote no file to {output}", 0)
            with made.open("rb") as file:
                shutil.copyfileobj(file, sink, _COPY)

    @property
    def _ending(self) -> str:
        """Return the dropped file's ending: some programs go by it."""
        return PurePosixPath(self.input_name).suffix

    def values(self, given: Path, made: Path, parameters: Mapping[str, Any], task: Task) -> dict[str, object]:
        """Return the values of the placeholders: `given` is the file of the input, `made` that of the output."""
        return {
            "input": given,
            "output": made,
            "item": task.item,
            "task": task.number,
            "run": task.run,
            "pipeline": self.pipeline,
            **{f"params.{name}": value for name, value in parameters.items()},
        }


def check_space(folder: Path, size: int) -> None:
    """Refuse to stage what the disk cannot hold, before anything of it is written."""
    free = shutil.disk_usage(folder).free
    if free < size + DISK_RESERVE:
        raise OSError(
            f"no space to stage the task's input: {size / MIB:,.0f} MiB and a reserve of {DISK_RESERVE / MIB:,.0f} MiB "
            f"are needed in {folder.parent}, {free / MIB:,.0f} MiB are free; make tasks smaller or the disk larger"
        )


def stage(source: Any, target: Path) -> None:
    """Write a stream to a file, or several streams to a folder of files in their order."""
    if isinstance(source, Iterator) and not hasattr(source, "read"):
        target.mkdir()
        for number, part in enumerate(source):
            _copy(part, target / f"{number:012d}")
    else:
        _copy(source, target)


def _copy(source: BinaryIO, target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, _COPY)


def environment(values: Mapping[str, object]) -> dict[str, str]:
    """Return the container's environment with the task's values; parameters never become shell text."""
    variables = {_variable(name): as_text(value) for name, value in values.items()}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, **variables}


def _variable(name: str) -> str:
    return name.replace("params.", "param_").upper()
