"""How long a run is expected to take, by the same plan that prices it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gristmill import state_machine
from gristmill.cost.estimate import INVOKED_SECONDS, StageInput, stage_loads
from gristmill.cost.load import Load
from gristmill.enums import Compute
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.parameters import Values


@dataclass(frozen=True)
class Span:
    """Seconds from start to end where every container finds room at once, and the vCPU-seconds of each kind."""

    seconds: float = 0
    vcpu_seconds: Mapping[Compute, float] = field(default_factory=dict)

    def __add__(self, other: "Span") -> "Span":
        kinds = {*self.vcpu_seconds, *other.vcpu_seconds}
        joined = {kind: self.vcpu_seconds.get(kind, 0) + other.vcpu_seconds.get(kind, 0) for kind in kinds}
        return Span(self.seconds + other.seconds, joined)


def span_of(pipeline: Pipeline, parameters: Values, first: StageInput, max_vcpus: Mapping[Compute, float]) -> Span:
    """Return how long a run takes at least; a branch without `expects` is taken to do nothing but start."""
    stages = list(stage_loads(pipeline, parameters, first, max_vcpus))
    functions = state_machine.RUN_INVOCATIONS + state_machine.ATTEMPT_INVOCATIONS * len(stages)
    seconds = functions * INVOKED_SECONDS + sum(max(map(_seconds, stage.loads)) for stage in stages)
    loads = (load for stage in stages for load in stage.loads)
    spans = (Span(0, {load.branch.compute: load.seconds * load.branch.vcpus}) for load in loads)
    return sum(spans, Span(seconds))


def _seconds(load: Load) -> float:
    return load.seconds / (load.children * load.nodes)
