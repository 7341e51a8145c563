"""The state machine's language, as far as statemachines/pipeline.asl.yaml speaks it: all else is refused.

The definition is the real one. Expressions go through the embedded AWS's JSONata; flow, retries and catches are here.
"""

import json
import re
from functools import lru_cache
from typing import Any, ClassVar
from unittest import mock

from jsonata.jsonata import Jsonata

from embedded_aws.services.stepfunctions import jsonata
from tests import asl

_PATH = re.compile(r"\$states((?:\.[A-Za-z]\w*)+)")
_PART = re.compile(r"\$states\.(\w+)")
_COMMON = {"Type", "Comment", "Output", "Next", "End"}
_TASK = {"Resource", "Arguments", "TimeoutSeconds", "Retry", "Catch"}
_FIELDS = {
    "Task": _COMMON | _TASK,
    "Choice": {"Type", "Comment", "Choices", "Default"},
    "Pass": _COMMON,
    "Wait": _COMMON | {"Seconds"},
    "Map": _COMMON | {"Items", "ItemSelector", "MaxConcurrency", "ItemProcessor"},
    "Parallel": _COMMON | {"Branches", "Catch"},
    "Succeed": {"Type", "Comment"},
    "Fail": {"Type", "Comment", "Error", "Cause"},
}
_RETRY = {"ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxAttempts", "MaxDelaySeconds", "JitterStrategy"}
_CATCH = {"ErrorEquals", "Output", "Next"}
_MAX_RUN_HOURS = "24"


class StateError(Exception):
    """Raised when a state fails: the error's name and its cause, as Step Functions has them."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name, self.cause = name, cause


def load() -> dict[str, Any]:
    """Return the project's machine with its places filled in; functions are called as their folders are."""
    machine = fill(asl.definition())
    check(machine)
    return machine


def fill(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: fill(value) for key, value in node.items()}
    if isinstance(node, list):
        return [fill(value) for value in node]
    return re.sub(r"\$\{(\w+)\}", lambda match: _place(match[1]), node) if isinstance(node, str) else node


def _place(name: str) -> str:
    if name.endswith("FunctionArn"):
        return re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("FunctionArn")).lower()
    return {"MaxRunHours": _MAX_RUN_HOURS}[name]


def check(machine: dict[str, Any]) -> None:
    """Refuse what this interpreter would pass over in silence."""
    assert machine.get("QueryLanguage", "JSONata") == "JSONata"
    for name, state in asl.states(machine):
        unknown = set(state) - _FIELDS[state["Type"]]
        for rules, known in (("Retry", _RETRY), ("Catch", _CATCH), ("Choices", {"Condition", "Next"})):
            unknown |= {field for rule in state.get(rules, []) for field in set(rule) - known}
        assert not unknown, f"the simulation does not know {sorted(unknown)} of state {name}"
        assert all(rule["JitterStrategy"] == "FULL" for rule in state.get("Retry", [])), name
        processor = state.get("ItemProcessor", {}).get("ProcessorConfig", {"Mode": "INLINE"})
        assert processor == {"Mode": "INLINE"}, name


def value(template: Any, states: dict[str, Any]) -> Any:
    """Return a template with its expressions evaluated; `states` is what `$states` has."""
    if isinstance(template, dict):
        return {key: value(inner, states) for key, inner in template.items()}
    if isinstance(template, list):
        return [value(inner, states) for inner in template]
    if isinstance(template, str) and template.startswith("{%"):
        expression = template.removeprefix("{%").removesuffix("%}").strip()
        try:
            return json.loads(_of_path(expression, states) or _of_jsonata(expression, states))
        except Exception as error:
            raise StateError("States.QueryEvaluationError", str(error)) from error
    return template


def _of_path(expression: str, states: dict[str, Any]) -> str:
    """Return what a plain path leads to, as JSON; nothing where JSONata must say. Most expressions are one."""
    found: Any = states
    if not (path := _PATH.fullmatch(expression)):
        return ""
    for name in path[1].split(".")[1:]:
        if not isinstance(found, dict) or found.get(name) is None:
            return ""
        found = found[name]
    return json.dumps(found)


def _of_jsonata(expression: str, states: dict[str, Any]) -> str:
    named = set(_PART.findall(expression))
    return _evaluated(expression, json.dumps({name: states[name] for name in named if name in states}))


@lru_cache(20_000)
def _evaluated(expression: str, states: str) -> str:
    with mock.patch.object(jsonata, "Jsonata", _Parsed):
        return json.dumps(jsonata.evaluate(expression, {"states": json.loads(states)}))


class _Parsed(Jsonata):
    """An expression that is parsed once: that takes longer than to evaluate it."""

    _kept: ClassVar[dict[str, Jsonata]] = {}

    def __new__(cls, expression: str) -> Any:
        if expression not in cls._kept:
            cls._kept[expression] = Jsonata(expression)
        return cls._kept[expression]


def catches(rule: dict[str, Any], error: StateError) -> bool:
    """Return whether a Retry or Catch is for an error."""
    names = rule["ErrorEquals"]
    is_task_failure = "States.TaskFailed" in names and error.name != "States.Timeout"
    return "States.ALL" in names or error.name in names or is_task_failure


def delay(rule: dict[str, Any], attempt: int) -> float:
    """Return the longest wait before the retry after `attempt` earlier ones, in seconds."""
    wanted = rule["IntervalSeconds"] * rule["BackoffRate"] ** attempt
    return float(min(wanted, rule["MaxDelaySeconds"]))
