"""What is looked at before any node starts."""

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from .problem import read_problem


def check(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Check the dropped problem; write its size and the number of its steps."""
    problem = read_problem(source.read())
    sink.write(json.dumps({"size": problem.initial.shape, "steps": problem.steps}).encode() + b"\n")
