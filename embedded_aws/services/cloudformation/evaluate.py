"""The intrinsic functions. What cannot be resolved is an error, never an empty string."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_PLACE = re.compile(r"\$\{(!?)([^}]+)\}")
NO_VALUE = object()


@dataclass
class Scope:
    """What names stand for: parameters and pseudo-parameters, conditions, mappings, and resources made so far."""

    values: dict[str, Any]
    conditions: dict[str, Any]
    mappings: dict[str, Any]
    resources: dict[str, tuple[Any, dict[str, Any]]] = field(default_factory=dict)  # name: (Ref, attributes)
    exports: dict[str, Any] = field(default_factory=dict)

    def ref(self, name: str) -> Any:
        """Return what `Ref` gives."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.values:
            return self.values[name]
        if name in self.resources:
            return self.resources[name][0]
        raise ValueError(f"Template error: unresolved reference {name}")

    def attribute(self, name: str, attribute: str) -> Any:
        """Return what `Fn::GetAtt` gives."""
        attributes = self.resources[name][1] if name in self.resources else {}
        if attribute not in attributes:
            known = ", ".join(sorted(attributes)) or "none"
            raise ValueError(f"Template error: {name} has no attribute {attribute} here (known: {known})")
        return attributes[attribute]

    def holds(self, condition: str) -> bool:
        """Return whether a condition holds."""
        return bool(evaluate(self.conditions[condition], self))


def evaluate(node: Any, scope: Scope) -> Any:
    """Return a template's node with every function replaced by its value."""
    if isinstance(node, list):
        return [value for value in (evaluate(item, scope) for item in node) if value is not NO_VALUE]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((name, argument),) = node.items()
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](argument, scope)
        if name.startswith("Fn::"):
            raise ValueError(f"Template error: the embedded AWS does not know {name}")
    pairs = ((key, evaluate(value, scope)) for key, value in node.items())
    return {key: value for key, value in pairs if value is not NO_VALUE}


def references(node: Any) -> Iterator[str]:
    """Yield the names that a node refers to."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value[0] if isinstance(value, list) else value.split(".")[0]
            elif key == "Fn::Sub":
                text, more = (value, {}) if isinstance(value, str) else value
                yield from (name.split(".")[0] for bang, name in _PLACE.findall(text) if not bang and name not in more)
                yield from references(more)
            else:
                yield from references(value)


def _sub(argument: Any, scope: Scope) -> str:
    text, more = (argument, {}) if isinstance(argument, str) else argument
    given = {name: evaluate(value, scope) for name, value in more.items()}

    def value(match: re.Match[str]) -> str:
        literal, name = match.groups()
        if literal:
            return f"${{{name}}}"
        if name in given:
            return str(given[name])
        resource, _, attribute = name.partition(".")
        return str(scope.attribute(resource, attribute) if attribute else scope.ref(name))

    return _PLACE.sub(value, text)


def _get_att(argument: Any, scope: Scope) -> Any:
    name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
    return scope.attribute(name, attribute)


def _if(argument: Any, scope: Scope) -> Any:
    condition, yes, no = argument
    return evaluate(yes if scope.holds(condition) else no, scope)


def _find_in_map(argument: Any, scope: Scope) -> Any:
    name, first, second = evaluate(argument, scope)
    return scope.mappings[name][first][second]


def _equals(argument: Any, scope: Scope) -> bool:
    left, right = evaluate(argument, scope)
    return str(left) == str(right)


def _azs(_argument: Any, scope: Scope) -> list[str]:
    return [f"{scope.ref('AWS::Region')}{letter}" for letter in "abcd"]


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": lambda name, scope: scope.ref(name),
    "Condition": lambda name, scope: (
        scope.holds(name) if isinstance(name, str) else {"Condition": evaluate(name, scope)}
    ),
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::If": _if,
    "Fn::Join": lambda argument, scope: argument[0].join(str(part) for part in evaluate(argument[1], scope)),
    "Fn::Split": lambda argument, scope: str(evaluate(argument[1], scope)).split(argument[0]),
    "Fn::Select": lambda argument, scope: evaluate(argument[1], scope)[int(evaluate(argument[0], scope))],
    "Fn::GetAZs": _azs,
    "Fn::FindInMap": _find_in_map,
    "Fn::Equals": _equals,
    "Fn::Not": lambda argument, scope: not evaluate(argument[0], scope),
    "Fn::And": lambda argument, scope: all(evaluate(condition, scope) for condition in argument),
    "Fn::Or": lambda argument, scope: any(evaluate(condition, scope) for condition in argument),
    "Fn::Base64": lambda argument, scope: base64.b64encode(evaluate(argument, scope).encode()).decode(),
    "Fn::ToJsonString": lambda argument, scope: json.dumps(evaluate(argument, scope)),
}
