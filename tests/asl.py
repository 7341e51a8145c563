"""The state machine as the tests read it: its text, and every state however deep."""

from collections.abc import Iterator
from typing import Any

import yaml

from tests.project import PROJECT

TEXT = (PROJECT / "statemachines" / "pipeline.asl.yaml").read_text()


def definition() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(TEXT)
    return content


def machines(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a machine and those inside its Parallel and Map states."""
    yield machine
    for state in machine["States"].values():
        inner = state.get("Branches", []) + ([state["ItemProcessor"]] if "ItemProcessor" in state else [])
        for item in inner:
            yield from machines(item)


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in machines(machine):
        yield from item["States"].items()


def targets(state: dict[str, Any]) -> Iterator[str]:
    """Yield the states that a state may lead to."""
    yield from (rule["Next"] for rule in state.get("Choices", []) + state.get("Catch", []))
    yield from (state[key] for key in ("Next", "Default") if key in state)


def expressions(node: Any) -> Iterator[str]:
    """Yield every JSONata expression."""
    if isinstance(node, dict):
        for value in node.values():
            yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)
    elif isinstance(node, str) and node.startswith("{%"):
        yield node.removeprefix("{%").removesuffix("%}").strip()
