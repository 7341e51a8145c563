"""Every fault of a pipeline that shows before it runs: in its file, and in the code and libraries that this names."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gristmill.code.digest import CodeFile
from gristmill.code.libraries import lock_of
from gristmill.enums import MergeKind
from gristmill.errors import Refused
from gristmill.pipeline.code import Lacking, PipelineCode
from gristmill.pipeline.fault import Place
from gristmill.pipeline.loading import at, parse
from gristmill.pipeline.model import Pipeline


@dataclass
class Inspection:
    """Faults of a pipeline, each with file, line and field; and what this machine lacks to run its jobs.

    What is not installed here and may come with its own libraries is `expected` of those.
    """

    faults: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)


def inspect(file: Path) -> Inspection:
    """Inspect a `pipeline.yaml` and load every function that it names."""
    found = Inspection()
    try:
        pipeline, tree = parse(file)
    except Refused as refused:
        return Inspection(refused.faults)
    found.faults += [at(file, tree, ("libraries",), fault) for fault in _library_faults(pipeline, file)]
    code = PipelineCode(pipeline.name, file.absolute().parent)
    for place, reference in _references(pipeline):
        try:
            code.load(reference)
        except Lacking as lacking:
            if pipeline.libraries:
                found.expected.append(f"{lacking.faults[0]} Its libraries must bring it: {pipeline.libraries}.")
            else:
                found.lacks.append(str(lacking))
        except Refused as refused:
            found.faults += [at(file, tree, place, fault) for fault in refused.faults]
    found.lacks, found.expected = list(dict.fromkeys(found.lacks)), list(dict.fromkeys(found.expected))
    return found


def _library_faults(pipeline: Pipeline, file: Path) -> list[str]:
    """Return why the lock file that a pipeline names is none."""
    path = file.absolute().parent / (pipeline.libraries or "")
    found = [CodeFile(pipeline.libraries, False, path.read_bytes())] if pipeline.libraries and path.is_file() else []
    try:
        lock_of(pipeline, found)
    except Refused as refused:
        return refused.advice
    return []


def _references(pipeline: Pipeline) -> Iterator[tuple[Place, str]]:
    """Yield the functions that a pipeline names, each with its place."""
    for number, stage in enumerate(pipeline.stages):
        for place, branch in enumerate(stage.branches):
            named = {"run": branch.run, "merge": branch.merge, "mpi": branch.mpi}
            for key, value in named.items():
                if isinstance(value, str) and not isinstance(value, MergeKind):
                    yield ("stages", number, "branches", place, key), value
