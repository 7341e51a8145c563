"""A stack as moto's API shows it, run by our own engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.cloudformation.models import Change, Event, Stack

from embedded_aws.services.cloudformation.engine import Engine, Resource
from embedded_aws.services.cloudformation.evaluate import Scope, evaluate
from embedded_aws.services.cloudformation.parameters import broken_rules, resolve
from embedded_aws.services.cloudformation.template import parse, transformed
from embedded_aws.services.cloudformation.wanted import Failed
from embedded_aws.settings.settings import Settings


@dataclass(frozen=True)
class Shown:
    """A resource in the words of moto's responses."""

    logical_resource_id: str
    physical_resource_id: str
    cf_resource_type: str

    @property
    def type(self) -> str:
        """Return the type once more, under the name that one response asks for."""
        return self.cf_resource_type


class StrictStack(Stack):  # type: ignore[misc]
    """moto's stack with the parts replaced that make, change and delete."""

    def __init__(self, settings: Settings, **named: Any) -> None:
        super().__init__(template={}, parameters={}, **named)
        self.engine = Engine(settings, self.name, self.stack_id, self._tell)
        self.status_reason = ""
        self.deletion_time: datetime | None = None
        self._values: dict[str, Any] = {}
        self._outputs: list[dict[str, Any]] = []

    # ---- what moto's responses read; the three first are listed by other names than they are described by
    @property
    def stack_name(self) -> str:
        return str(self.name)

    @property
    def stack_status(self) -> str:
        return str(self.status)

    @property
    def stack_status_reason(self) -> str:
        return self.status_reason

    @property
    def outputs(self) -> list[dict[str, Any]] | None:
        return self._outputs or None

    @property
    def exports(self) -> list[Any]:
        return []

    @property
    def stack_resources(self) -> list[Shown]:
        return [Shown(name, resource.physical.ref, resource.type) for name, resource in self.engine.resources.items()]

    @property
    def stack_parameters(self) -> dict[str, str]:
        """Return the values in force, defaults included: what UsePreviousValue takes."""
        return {
            name: ",".join(value) if isinstance(value, list) else str(value) for name, value in self._values.items()
        }

    @property
    def parameter_list(self) -> list[dict[str, Any]]:
        return [{"ParameterKey": name, "ParameterValue": text} for name, text in self.stack_parameters.items()]

    # ---- what changes a stack
    def is_same(self, template: str, given: dict[str, Any]) -> bool:
        """Return whether a template and its parameters are those that stand."""
        if self.template != template or not self.status.endswith("_COMPLETE"):
            return False
        return resolve(self.template_dict, given) == self._values

    def change(self, template: str, given: dict[str, Any], verb: str) -> None:
        """Bring the stack to a template; `verb` is CREATE or UPDATE. A failure is rolled back, and an event."""
        self._begin(f"{verb}_IN_PROGRESS")
        before = dict(self.engine.resources)
        try:
            content, values = load(template, given)
            scope = self.engine.apply(content, values)
            outputs = _outputs(content, scope)
        except (Failed, ValueError, KeyError) as error:
            self._roll_back(verb, before, error)
            return
        self._outputs, self._values = outputs, values
        self.template, self.template_dict, self.description = template, content, content.get("Description")
        self._end(f"{verb}_COMPLETE")

    def _roll_back(self, verb: str, before: dict[str, Resource], error: Exception) -> None:
        reason = str(error)
        back = "ROLLBACK" if verb == "CREATE" else "UPDATE_ROLLBACK"
        self._begin(f"{back}_IN_PROGRESS", reason)
        try:
            for name in reversed(list(self.engine.resources)):
                self.engine.undo(name, before.get(name), failed=isinstance(error, Failed) and name == error.logical)
        except Failed as another:
            self._end(f"{back}_FAILED", f"{reason}; and undoing it failed: {another}")
            return
        self._end(f"{back}_COMPLETE", reason)

    def delete(self) -> None:
        """Delete the stack's resources; DELETE_FAILED with the reason where one refuses."""
        self._begin("DELETE_IN_PROGRESS", "User Initiated")
        try:
            self.engine.delete()
        except Failed as error:
            self._end("DELETE_FAILED", str(error))
            return
        self.deletion_time = datetime.now(UTC)
        self._end("DELETE_COMPLETE")

    def _begin(self, status: str, reason: str = "User Initiated") -> None:
        self.status = status
        self._add_stack_event(status, resource_status_reason=reason)

    def _end(self, status: str, reason: str = "") -> None:
        self.status, self.status_reason = status, reason
        self._add_stack_event(status, resource_status_reason=reason or None)

    def _tell(self, logical: str, physical: str, type_: str, status: str, reason: str) -> None:
        self.events.append(Event(self.stack_id, self.name, logical, physical, type_, status, reason or None, None))


def load(template: str, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a template's content after its transform, and its parameters' values."""
    content = parse(template)
    values = resolve(content, given)
    broken = list(broken_rules(content, values))
    if broken:
        raise ValueError("; ".join(broken))
    return transformed(content, {name: given.get(name, value) for name, value in values.items()}), values


def _outputs(content: dict[str, Any], scope: Scope) -> list[dict[str, Any]]:
    return [
        {
            "OutputKey": key,
            "OutputValue": str(evaluate(output["Value"], scope)),
            "Description": output.get("Description"),
        }
        for key, output in content.get("Outputs", {}).items()
        if "Condition" not in output or scope.holds(output["Condition"])
    ]


def changes(stack: StrictStack, content: dict[str, Any]) -> list[Change]:
    """Return what a template adds to, may modify in, and removes from a stack."""
    wanted, standing = content["Resources"], stack.engine.resources
    found = [("Add", name, definition["Type"]) for name, definition in wanted.items() if name not in standing]
    was = stack.template_dict.get("Resources", {})
    found += [
        ("Modify", name, definition["Type"])
        for name, definition in wanted.items()
        if name in standing and was.get(name) != definition
    ]
    found += [("Remove", name, resource.type) for name, resource in standing.items() if name not in wanted]
    return [Change(*change) for change in found]
