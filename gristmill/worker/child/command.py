"""Run any program as a job: stage its input to a file, read its output from one, send its messages to the log."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from gristmill.chunks.items import S3_SCHEME
from gristmill.errors import NoSpace
from gristmill.formats.names import GZIP_MAGIC, plain_name, says_gzip, stored_suffix
from gristmill.limits import DISK_RESERVE, MIB
from gristmill.pipeline.placeholders import as_text, input_values
from gristmill.task import Task
from gristmill.worker.child.process import ProgramFailed, run

_COPY = 1 * MIB


@dataclass(frozen=True)
class Endings:
    """How the names of a task's files end, its input's and its outputs': some programs go by it."""

    input: str
    outputs: Mapping[str, str]  # by name; the only one has none

    def of_input(self, task: Task) -> str:
        """Return how the file of a task's input is called; an item that is an object brings its own ending."""
        return stored_suffix(task.item) if task.item.startswith(S3_SCHEME) else self.input


@dataclass(frozen=True)
class Program:
    """A job that runs `words(placeholders)` in an empty folder of its own.

    The same values are in its environment: INPUT, OUTPUT (or OUTPUT_<NAME> of each), ITEM, TASK, RUN, VCPUS, MEMORY,
    GPUS, PARAM_<NAME>, and INPUT_<NAME> for the task's other inputs, of which `mates` is the pair's; and PIPELINE,
    where its words name that.
    """

    words: Callable[[Mapping[str, object]], list[str]]
    pipeline: Path | None  # None: the program does not name it, so its work stands whatever changes there
    endings: Endings
    is_command: bool = True  # else lines for a shell
    resources: Mapping[str, object] = field(default_factory=dict)  # what its container has
    mates: str | None = None

    def __call__(self, source: Any, sink: Any, parameters: Mapping[str, Any], task: Task) -> None:
        """Stage, run, and hand the output on; a missing output is a failure."""
        with TemporaryDirectory(prefix="task-") as name:
            folder = Path(name)
            outputs = self.endings.outputs.items()
            made, work = {name: folder / f"{_place(name)}{ending}" for name, ending in outputs}, folder / "work"
            work.mkdir()
            check_space(folder, task.size)
            given = stage(source, folder / f"input{self.endings.of_input(task)}")
            values = self.values(given, made, parameters, task)
            words = self.words(values)
            name = words[0] if self.is_command else "the script"
            run(name, words, work, environment(values, task.inputs))
            for output, path in made.items():
                place = f"{{{_place(output)}}}" if self.is_command else f"${_variable(_place(output))}"
                with _opened(path, name, place) as file:
                    shutil.copyfileobj(file, sink[output] if output else sink, _COPY)

    def values(
        self, given: Path, made: Mapping[str, Path], parameters: Mapping[str, Any], task: Task
    ) -> dict[str, object]:
        """Return the values of the placeholders: `given` is the file of the input, `made` has those of the outputs."""
        return {
            "input": given,
            **{_place(name): path for name, path in made.items()},
            "item": task.item,
            "task": task.number,
            "run": task.run,
            **({"pipeline": self.pipeline} if self.pipeline else {}),
            **self.resources,
            **input_values(task.inputs, self.mates),
            **{f"params.{name}": value for name, value in parameters.items()},
        }


def _place(output: str) -> str:
    """Return what commands call the file of an output; the only one has no name."""
    return f"output.{output}" if output else "output"


def _opened(made: Path, name: str, place: str) -> BinaryIO:
    """Open the file that a program was to write at `place`; ProgramFailed where there is none that can be read."""
    mend = f"Write one file to {place}."
    if made.is_dir():
        raise ProgramFailed(f"{name} ended with exit code 0, but made a folder of {place}", 0, mend=mend)
    if not made.is_file():
        raise ProgramFailed(f"{name} ended with exit code 0, but wrote no file to {place}", 0, mend=mend)
    try:
        return made.open("rb")
    except OSError as error:
        raise ProgramFailed(f"what {name} wrote to {place} cannot be read: {error.strerror}", 0, mend=mend) from error


def check_space(folder: Path, size: int) -> None:
    """Raise NoSpace where the disk cannot hold what is to be staged, before anything of it is written."""
    free = shutil.disk_usage(folder).free
    if free < size + DISK_RESERVE:
        need = f"{size / MIB:,.0f} MiB and a reserve of {DISK_RESERVE / MIB:,.0f} MiB are needed in {folder.parent}"
        fault = f"no space to stage the task's input: {need}, {free / MIB:,.0f} MiB are free"
        raise NoSpace(fault, "Give each task less, or the machine a larger disk.")


def stage(source: Any, target: Path) -> Path:
    """Write a stream to a file, or several streams to a folder of files in their order; return where it lies.

    A file that would be called gzip and is none loses that ending.
    """
    if isinstance(source, Iterator) and not hasattr(source, "read"):
        target.mkdir()
        for number, part in enumerate(source):
            stage_stream(part, target / f"{number:012d}")
        return target
    stage_stream(source, target)
    return target.rename(plain_name(str(target))) if says_gzip(target.name) and not _is_gzip(target) else target


def _is_gzip(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(GZIP_MAGIC)) == GZIP_MAGIC


def stage_stream(source: BinaryIO, target: Path) -> None:
    """Write a stream to a file."""
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, _COPY)


def environment(values: Mapping[str, object], inputs: Mapping[str, Path]) -> dict[str, str]:
    """Return the container's environment with the task's values; parameters never become shell text."""
    others = {f"INPUT_{name.upper()}": str(file) for name, file in inputs.items()}
    own = {name: value for name, value in values.items() if name not in inputs and not name.startswith("input.")}
    variables = {_variable(name): as_text(value) for name, value in own.items()} | others
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, **variables}


def _variable(name: str) -> str:
    return name.replace("params.", "param_").replace(".", "_").replace("-", "_").upper()
