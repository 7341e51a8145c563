"""The one patch point: moto's CloudFormation backend hands its stacks to ours."""

import re
import threading
from collections.abc import Callable
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend
from moto.cloudformation.utils import generate_changeset_id, generate_stack_id
from moto.core.utils import utcnow

from embedded_aws.services.cloudformation.stack import StrictStack, changes, load
from embedded_aws.settings.settings import Settings

_NAME_MAX = 128  # AWS CloudFormation API reference, CreateStack
_NAME = rf"[a-zA-Z][-a-zA-Z0-9]{{0,{_NAME_MAX - 1}}}"
_NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
_one_at_a_time = threading.RLock()


class StrictChangeSet(ChangeSet):  # type: ignore[misc]
    """A change set of a strict stack; what cannot be read makes it FAILED with the reason."""

    def __init__(self, stack: StrictStack, template: str, parameters: dict[str, Any], **named: Any) -> None:
        for name, value in named.items():
            setattr(self, name, value)
        self.stack, self.template, self.parameters = stack, template, parameters
        self.stack_id, self.stack_name = stack.stack_id, stack.name
        self.creation_time = utcnow()
        self.changes: list[Any] = []
        self.status, self.execution_status, self.status_reason = "CREATE_COMPLETE", "AVAILABLE", ""
        try:
            content, _ = load(template, parameters)
            self.changes = changes(stack, content)
        except (ValueError, KeyError) as error:
            self._refuse(str(error))
            return
        if stack.is_same(template, parameters):
            self._refuse(_NO_CHANGES)

    def _refuse(self, reason: str) -> None:
        self.status, self.execution_status, self.status_reason = "FAILED", "UNAVAILABLE", reason


def install(settings: Settings) -> None:
    """Replace how stacks are made, changed and deleted."""
    for replacement in (*_stacks(settings), *_change_sets(settings)):
        setattr(CloudFormationBackend, replacement.__name__, replacement)


def _stacks(settings: Settings) -> tuple[Callable[..., Any], ...]:

    def create_stack(
        self: Any, name: str, template: str, parameters: dict[str, Any], tags: Any = None, **_: Any
    ) -> StrictStack:
        stack = _new_stack(settings, self, name, tags)
        with _one_at_a_time:
            stack.change(template, parameters, "CREATE")
        return stack

    def update_stack(self: Any, name: str, template: str, parameters: list[dict[str, Any]], **_: Any) -> StrictStack:
        stack: StrictStack = self.get_stack(name)
        given = {
            parameter["ParameterKey"]: stack.stack_parameters.get(parameter["ParameterKey"])
            if parameter.get("UsePreviousValue")
            else parameter["ParameterValue"]
            for parameter in parameters
        }
        try:
            is_same = stack.is_same(template, given)
        except ValueError as error:  # a parameter breaks a rule: AWS refuses it before it changes anything
            raise ValidationError(name, message=str(error)) from error
        if is_same:
            raise ValidationError(name, message="No updates are to be performed.")
        with _one_at_a_time:
            stack.change(template, given, "UPDATE")
        return stack

    def delete_stack(self: Any, name_or_stack_id: str) -> None:
        found = [stack for stack in self.stacks.values() if name_or_stack_id in (stack.name, stack.stack_id)]
        for stack in found:
            with _one_at_a_time:
                stack.delete()
            if stack.status == "DELETE_COMPLETE":
                self.deleted_stacks[stack.stack_id] = self.stacks.pop(stack.stack_id)

    return create_stack, update_stack, delete_stack


def _change_sets(settings: Settings) -> tuple[Callable[..., Any], ...]:
    def create_change_set(
        self: Any, stack_name: str, template: str, parameters: dict[str, Any], change_set_type: str, **named: Any
    ) -> tuple[str, str]:
        if change_set_type == "UPDATE":
            stack = self.get_stack(stack_name)
        else:
            stack = _new_stack(settings, self, stack_name, named.get("tags"))
            stack._begin("REVIEW_IN_PROGRESS")
        change_set_id = generate_changeset_id(named["change_set_name"], self.region_name, self.account_id)
        self.change_sets[change_set_id] = StrictChangeSet(
            stack, template, parameters, change_set_type=change_set_type, change_set_id=change_set_id, **named
        )
        return change_set_id, stack.stack_id

    def execute_change_set(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        change_set = self.describe_change_set(change_set_name)
        if change_set.execution_status != "AVAILABLE":
            raise ValidationError(
                message=f"ChangeSet [{change_set_name}] cannot be executed: {change_set.status_reason}"
            )
        change_set.execution_status = "EXECUTE_IN_PROGRESS"
        with _one_at_a_time:
            change_set.stack.change(change_set.template, change_set.parameters, change_set.change_set_type)
        change_set.execution_status = "EXECUTE_COMPLETE"

    return create_change_set, execute_change_set


def _new_stack(settings: Settings, backend: Any, name: str, tags: Any) -> StrictStack:
    """Register a new stack; one that was only reviewed, or was rolled back, gives way."""
    if not re.fullmatch(_NAME, name):
        raise ValidationError(
            name,
            message=f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*, {_NAME_MAX} characters at most",
        )
    for old in [stack for stack in backend.stacks.values() if stack.name == name]:
        if old.status != "REVIEW_IN_PROGRESS":
            raise ValidationError(name, message=f"Stack [{name}] already exists")
        del backend.stacks[old.stack_id]
    stack = StrictStack(
        settings,
        stack_id=generate_stack_id(name, backend.region_name, backend.account_id),
        name=name,
        account_id=backend.account_id,
        region_name=backend.region_name,
        tags=tags,
    )
    backend.stacks[stack.stack_id] = stack
    return stack
