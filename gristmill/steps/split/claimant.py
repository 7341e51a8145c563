"""Who asks for a run, and what the stack grants it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gristmill.batch.definitions import FindDefinitions
from gristmill.enums import Compute


@dataclass(frozen=True)
class RunLimits:
    """What the stack grants a run: vCPUs at once, dollars where the drop itself sets no ceiling (None: any), and MiB of
    memory of the largest host (0: not known).
    """

    max_vcpus: Mapping[Compute, float] = field(default_factory=dict)
    max_cost: float | None = None
    max_memory: int = 0


@dataclass(frozen=True)
class Claimant:
    """Who asks for a run: an execution, at a time, with the pipelines it knows."""

    execution: str
    now: datetime
    roots: Sequence[Path]
    limits: RunLimits = RunLimits()
    definitions: FindDefinitions = lambda _pipeline, _registered: {}
