"""A template's parameters: given values over defaults, held to the template's own rules."""

import re
from collections.abc import Iterator
from typing import Any

from embedded_aws.services.cloudformation.evaluate import Scope, evaluate


def resolve(template: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the value of each parameter; ValueError names every one that is missing or breaks a rule."""
    slots = template.get("Parameters", {})
    problems = [f"there is no parameter {name}" for name in given if name not in slots]
    values = {}
    for name, slot in slots.items():
        text = given.get(name, slot.get("Default"))
        if text is None:
            problems.append(f"parameter {name} must have a value")
            continue
        problems += [f"parameter {name} = {text!r}: {problem}" for problem in _broken(slot, text)]
        values[name] = text
    if problems:
        raise ValueError("; ".join(problems))
    return {name: _typed(slots[name], text) for name, text in values.items()}


def _broken(slot: dict[str, Any], text: Any) -> Iterator[str]:
    advice = slot.get("ConstraintDescription")
    if "AllowedValues" in slot and str(text) not in [str(value) for value in slot["AllowedValues"]]:
        yield advice or f"must be one of {', '.join(map(str, slot['AllowedValues']))}"
    if "AllowedPattern" in slot and not re.fullmatch(slot["AllowedPattern"], str(text)):
        yield advice or f"must match {slot['AllowedPattern']}"
    if slot["Type"] == "Number":
        if not re.fullmatch(r"-?\d+(\.\d+)?", str(text)):
            yield "must be a number"
        elif not float(slot.get("MinValue", text)) <= float(text) <= float(slot.get("MaxValue", text)):
            yield f"must lie between {slot.get('MinValue', '-')} and {slot.get('MaxValue', '-')}"
    if len(str(text)) > int(slot.get("MaxLength", 4096)):
        yield f"must have at most {slot['MaxLength']} characters"


def broken_rules(template: dict[str, Any], values: dict[str, Any]) -> Iterator[str]:
    """Yield what the template's own rules on its parameters, taken together, have against these values."""
    scope = Scope(values, {}, {})
    for rule in template.get("Rules", {}).values():
        if not evaluate(rule.get("RuleCondition", True), scope):
            continue
        for assertion in rule["Assertions"]:
            if not evaluate(assertion["Assert"], scope):
                yield assertion.get("AssertDescription", f"a rule of the template is broken: {assertion['Assert']}")


def _typed(slot: dict[str, Any], text: Any) -> Any:
    if slot["Type"] == "Number":
        return float(text) if "." in str(text) else int(text)
    if slot["Type"] == "CommaDelimitedList" or slot["Type"].startswith("List<"):
        return [part.strip() for part in str(text).split(",")]
    return str(text)
