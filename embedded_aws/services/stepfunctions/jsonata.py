"""JSONata for moto's engine: expressions get their variables bound, never pasted into their text."""

import hashlib
import json
import random
import uuid
from typing import Any

from jsonata.jsonata import Jsonata
from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.parse import preprocessor


class Undefined(Exception):
    """Raised when an expression gives nothing, which Step Functions does not allow."""


def evaluate(expression: str, variables: dict[str, Any]) -> Any:
    """Return the value of an expression with `$name` bound to each variable; Undefined where it gives nothing."""
    value = _evaluate(expression, variables)
    if value is None and not _evaluate(f"$exists({expression})", variables):
        raise Undefined(f"The JSONata expression '{expression}' returned nothing (undefined).")
    return value


def _evaluate(expression: str, variables: dict[str, Any]) -> Any:
    parsed = Jsonata(expression)
    parsed.set_validate_input(False)
    frame = parsed.create_frame()
    for name, function in _FUNCTIONS.items():
        frame.bind(name, Jsonata.JLambda(function))
    for name, value in variables.items():
        frame.bind(name, value)
    return parsed.evaluate(None, frame)


def _partition(items: list[Any], size: int) -> list[list[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _range(first: int, last: int, step: int) -> list[int]:
    return list(range(first, last + (1 if step > 0 else -1), step))


def _hash(text: str, algorithm: str) -> str:
    return hashlib.new(algorithm.replace("-", "").lower(), text.encode()).hexdigest()


def _random(seed: float | None = None) -> float:
    return random.Random(seed).random()  # noqa: S311 - Step Functions' own $random is none for secrets


_FUNCTIONS: dict[str, Any] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": lambda: str(uuid.uuid4()),
    "parse": json.loads,
}


def _variables(env: Any, *, states: bool) -> dict[str, Any]:
    store = env.variable_store
    bound = {**store._outer_scope, **store._inner_scope}
    return {**bound, "states": _plain(env.states._states_data)} if states else bound


def _plain(data: Any) -> Any:
    """Return data as JSON would: times as text."""
    return json.loads(json.dumps(data, default=_text))


def _text(value: Any) -> str:
    return (
        value.isoformat(timespec="milliseconds").replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)
    )


def _eval_jsonata(self: Any, env: Any) -> None:
    """Stand in for StringJSONata._eval_body."""
    try:
        value = evaluate(self.expression, _variables(env, states=True))
    except Exception as error:
        raise _failure(env, str(getattr(error, "error", "") or error)) from error
    env.stack.append(value)


def _eval_variable(self: Any, env: Any) -> None:
    """Stand in for StringVariableSample._eval_body."""
    env.stack.append(evaluate(self.expression, _variables(env, states=True)))


def _failure(env: Any, cause: str) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = EvaluationFailedEventDetails(cause=cause, error=name.error_name)
    event_details = EventDetails(evaluationFailedEventDetails=details)
    env.event_manager.add_event(
        context=env.event_history_context, event_type=HistoryEventType.EvaluationFailed, event_details=event_details
    )
    event = FailureEvent(
        env=env, error_name=name, event_type=HistoryEventType.EvaluationFailed, event_details=event_details
    )
    return FailureEventException(failure_event=event)


def _inner_string(parser_rule_context: Any) -> str | None:
    """Stand in for Preprocessor._inner_string_of, which leaves JSON's escapes in a string."""
    text = parser_rule_context.getText()
    if text == "null":
        return None
    return str(json.loads(text)) if text.startswith('"') else str(text)


def install() -> None:
    """Replace how expressions are evaluated and how strings are read."""
    string_expression.StringJSONata._eval_body = _eval_jsonata
    string_expression.StringVariableSample._eval_body = _eval_variable
    preprocessor.Preprocessor._inner_string_of = staticmethod(_inner_string)
