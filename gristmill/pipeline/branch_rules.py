"""Rules of a branch in `pipeline.yaml`: what it runs, how it merges, what MPI asks of it."""

from collections.abc import Iterator

from gristmill.enums import Compute, Image, MergeKind, OutputKind, RecordFormat
from gristmill.formats.registry import traits_of
from gristmill.limits import NAME_MAX, OUTPUTS_MAX
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.environment import env_faults, secret_faults
from gristmill.pipeline.expand import merge_name, parts_name
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.input_rules import with_faults
from gristmill.pipeline.model import Parameter, Pipeline
from gristmill.pipeline.parameter_rules import size_faults
from gristmill.pipeline.placeholders import placeholder_faults, placeholders
from gristmill.pipeline.stage import Stage
from gristmill.pipeline.tolerance import tolerance_faults

_OF_OUTPUTS = {field: f"{field} in each of them" for field in ("suffix", "merge", "output_records")}
_EXPANDED_MAX = NAME_MAX - len(parts_name(""))


def branch_faults(pipeline: Pipeline, place: Place, stage: Stage, branch: Branch) -> Iterator[Fault]:
    """Yield every broken rule of a branch of a stage."""
    given = [kind for kind in ("run", "command", "script", "mpi") if getattr(branch, kind) is not None]
    if len(given) != 1:
        yield place, f"needs exactly one of run, command, script and mpi, and has {' and '.join(given) or 'none'}"
    for number, name in enumerate(branch.parameters or []):
        if name not in pipeline.parameters:
            there = ", ".join(pipeline.parameters) or "none"
            yield (*place, "parameters", number), f"{name} is no parameter of the pipeline (there are: {there})"
    yield from with_faults(pipeline, (*place, "with"), branch)
    known, handed = placeholders(pipeline, stage, branch), _handed(pipeline, branch)
    for problem in placeholder_faults(branch.command, known, handed, branch.outputs):
        yield (*place, "command"), problem
    yield from env_faults(handed, place, branch)
    yield from secret_faults(place, branch)
    yield from _own_definition(pipeline, place, branch)
    if branch.output_records and not traits_of(branch.output_records).is_countable:
        yield (*place, "output_records"), f"{branch.output_records} cannot be counted in an output"
    yield from _outputs(place, stage, branch)
    yield from _merge(pipeline, place, stage, branch)
    if branch.cache and (why := pipeline.why_uncached(branch)):
        yield (*place, "cache"), f"true is of no use: {why}"
    yield from _gpus(place, branch)
    yield from _memory(place, branch)
    yield from tolerance_faults(place, stage, branch)
    if branch.mpi is None:
        yield from _plain(place, branch)
    else:
        yield from _mpi(pipeline, place, stage, branch)


def _handed(pipeline: Pipeline, branch: Branch) -> dict[str, Parameter]:
    """Return the parameters that a branch may name."""
    wanted = pipeline.parameters if branch.parameters is None else branch.parameters
    return {name: given for name, given in pipeline.parameters.items() if name in wanted}


def _outputs(place: Place, stage: Stage, branch: Branch) -> Iterator[Fault]:
    """Yield what is wrong with several outputs: fields that each of them has itself, and a format that none has."""
    if not branch.outputs:
        return
    if len(branch.outputs) > OUTPUTS_MAX:
        yield (*place, "outputs"), f"a branch has at most {OUTPUTS_MAX} outputs, not {len(branch.outputs)}"
    if branch.mpi is not None:
        yield (*place, "outputs"), "an MPI job writes one stream, by its rank 0"
    for field in ("suffix", "merge", "output_records", "same_record_count", "output"):
        if field in branch.model_fields_set:
            yield (*place, field), f"is of one output; a branch with outputs has {_OF_OUTPUTS.get(field, 'none')}"
    for name, made in zip(branch.outputs, branch.made, strict=True):
        where: Place = (*place, "outputs", name)
        if made.output_records and not traits_of(made.output_records).is_countable:
            yield (*where, "output_records"), f"{made.output_records} cannot be counted in an output"
        if made.merge is MergeKind.HEADER and not traits_of(stage.records_of(made)).has_header:
            yield (*where, "merge"), "header needs output_records of lines or csv"


def _own_definition(pipeline: Pipeline, place: Place, branch: Branch) -> Iterator[Fault]:
    """Yield what cannot be, for the pipeline names a job definition that somebody else has registered."""
    if pipeline.job_definition is None or branch.mpi is not None:
        return
    for field in ("container", "secrets"):
        if field in branch.model_fields_set:
            yield (*place, field), "the pipeline has a job_definition of its own: say it there, or leave that out"


def _memory(place: Place, branch: Branch) -> Iterator[Fault]:
    """Yield what is wrong with steps of memory: each more than the one before it, and each within reach."""
    steps = branch.memories
    if sorted(set(steps)) != steps:
        yield (*place, "memory"), "its steps must grow: each is for what has run out of the one before it"
    if len(steps) > branch.attempts:
        yield (
            (*place, "memory"),
            f"has {len(steps)} steps, and attempts is {branch.attempts}: the last is never reached",
        )
    if len(steps) > 1 and branch.mpi is not None:
        yield (*place, "memory"), "has steps for containers of their own; the nodes of an MPI job have one amount"


def _gpus(place: Place, branch: Branch) -> Iterator[Fault]:
    if branch.gpus is not None and branch.compute is not Compute.GPU:
        yield (*place, "gpus"), "needs compute: gpu"


def _plain(place: Place, branch: Branch) -> Iterator[Fault]:
    for field in ("nodes", "slots"):
        if field in branch.model_fields_set:
            yield (*place, field), "is for mpi alone"


def _mpi(pipeline: Pipeline, place: Place, stage: Stage, branch: Branch) -> Iterator[Fault]:
    if stage.split.records is not RecordFormat.WHOLE:
        yield (*place, "mpi"), "is one job over the stage's whole input: the split needs records: whole"
    if branch.output is OutputKind.FILES:
        yield (*place, "output"), "an MPI job writes one stream, by its rank 0"
    if pipeline.image is Image.GENOMICS:
        yield (*place, "mpi"), f"the image {pipeline.image} is for single containers; cpu and science have MPI"
    yield from size_faults(pipeline, (*place, "nodes"), branch.nodes)
    words, known = branch.mpi if isinstance(branch.mpi, list) else None, placeholders(pipeline, stage, branch)
    for problem in placeholder_faults(words, known, _handed(pipeline, branch)):
        yield (*place, "mpi"), problem


def _merge(pipeline: Pipeline, place: Place, stage: Stage, branch: Branch) -> Iterator[Fault]:
    if branch.output is OutputKind.FILES and branch.merge in (MergeKind.CONCAT, MergeKind.HEADER):
        yield (*place, "merge"), f"{branch.merge} joins a stream; files are merged by a function, or by none"
    if branch.merge is MergeKind.HEADER and not traits_of(stage.records_of(branch)).has_header:
        yield (*place, "merge"), "header needs output_records of lines or csv"
    if isinstance(branch.merge, MergeKind):
        return
    taken = [stage.name for stage in pipeline.stages]
    taken += [branch.name for stage in pipeline.stages for branch in stage.branches]
    for name in (parts_name(branch.name), merge_name(branch.name)):
        if name in taken:
            yield (*place, "merge"), f"a merge that computes is a stage of its own, but its name is taken: {name}"
    if len(branch.name) > _EXPANDED_MAX:
        yield (*place, "name"), f"a merge that computes needs a name of at most {_EXPANDED_MAX} characters"
