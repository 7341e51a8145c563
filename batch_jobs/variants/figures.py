"""The figures of the calls, by which `checks` judges a run."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from gristmill.task import Task

from .calls import Bin, Call, read_calls, read_depth


def write(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:  # noqa: ARG001
    """Write the figures as JSON."""
    made = figures(read_calls(source), read_depth(task.inputs["depth"]))
    sink.write(json.dumps(made, indent=1).encode() + b"\n")


def figures(calls: Iterable[Call], bins: Iterable[Bin]) -> dict[str, Any]:
    """Return counts of calls by kind, transitions to each transversion, and the mean depth."""
    kinds: Counter[str] = Counter()
    transitions = 0
    for call in calls:
        kinds[call.kind] += 1
        transitions += call.is_transition
    spans = [(bin_.end - bin_.start, bin_.depth) for bin_ in bins]
    return {
        "calls": kinds.total(),
        "kinds": dict(sorted(kinds.items())),
        "ti_tv": round(transitions / max(kinds["snv"] - transitions, 1), 3),
        "mean_depth": round(sum(size * depth for size, depth in spans) / (sum(size for size, _ in spans) or 1), 2),
    }
