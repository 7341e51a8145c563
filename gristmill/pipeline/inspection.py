"""Every fault of a pipeline that shows before it runs: in its file, and in the code that this names."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gristmill.enums import MergeKind
from gristmill.errors import Refused
from gristmill.pipeline.code import Lacking, PipelineCode
from gristmill.pipeline.fault import Place
from gristmill.pipeline.loading import at, parse
from gristmill.pipeline.model import Pipeline


@dataclass
class Inspection:
    """Faults of a pipeline, each with file, line and field; and what this machine lacks to run its jobs."""

    faults: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)


def inspect(file: Path) -> Inspection:
    """Inspect a `pipeline.yaml` and load every function that it names."""
    found = Inspection()
    try:
        pipeline, tree = parse(file)
    except Refused as refused:
        return Inspection(refused.faults)
    code = PipelineCode(pipeline.name, file.absolute().parent)
    for place, reference in _references(pipeline):
        try:
            code.load(reference)
        except Lacking as lacking:
            found.lacks.append(str(lacking))
        except Refused as refused:
            found.faults += [at(file, tree, place, fault) for fault in refused.faults]
    found.lacks = list(dict.fromkeys(found.lacks))
    return found


def _references(pipeline: Pipeline) -> Iterator[tuple[Place, str]]:
    """Yield the functions that a pipeline names, each with its place."""
    for number, stage in enumerate(pipeline.stages):
        for place, branch in enumerate(stage.branches):
            named = {"run": branch.run, "merge": branch.merge, "mpi": branch.mpi}
            for key, value in named.items():
                if isinstance(value, str) and not isinstance(value, MergeKind):
                    yield ("stages", number, "branches", place, key), value
