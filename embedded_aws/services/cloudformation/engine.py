"""Making, changing and deleting the resources of a stack, in the order of their references."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.services.cloudformation.evaluate import Scope, evaluate
from embedded_aws.services.cloudformation.resources import RESOURCE_TYPES
from embedded_aws.services.cloudformation.resources.base import Context, PhysicalResource, Properties
from embedded_aws.services.cloudformation.wanted import Failed, check_types, in_order
from embedded_aws.settings.settings import Settings

Tell = Callable[[str, str, str, str, str], None]  # logical name, physical name, type, status, reason


@dataclass
class Resource:
    """A resource that stands: its type, the properties it was made with, and what it gives."""

    type: str
    properties: Properties
    physical: PhysicalResource
    retained: bool = False


@dataclass
class Engine:
    """The resources of one stack. `tell` is given every step for the stack's events."""

    settings: Settings
    stack: str
    stack_id: str
    tell: Tell
    resources: dict[str, Resource] = field(default_factory=dict)

    def apply(self, template: dict[str, Any], parameters: dict[str, Any]) -> Scope:
        """Make what is new, change what differs, delete what is gone; Failed leaves the rest as it was until then."""
        scope = self._scope(template, parameters)
        wanted = {
            name: definition
            for name, definition in template["Resources"].items()
            if "Condition" not in definition or scope.holds(definition["Condition"])
        }
        check_types(wanted)
        replaced: list[tuple[str, Resource]] = []
        for name in in_order(wanted):
            old = self._bring(name, wanted[name], scope)
            if old is not None:
                replaced.append((name, old))
        gone = [(name, self.resources[name]) for name in reversed(list(self.resources)) if name not in wanted]
        for name, resource in [*replaced, *gone]:
            self._delete(name, resource)
        for name, _ in gone:
            del self.resources[name]
        return scope

    def delete(self) -> None:
        """Delete everything, last made first."""
        for name in reversed(list(self.resources)):
            self._delete(name, self.resources[name])
            del self.resources[name]

    def _scope(self, template: dict[str, Any], parameters: dict[str, Any]) -> Scope:
        pseudo = {
            "AWS::AccountId": self.settings.account,
            "AWS::Region": self.settings.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::Partition": "aws",
            "AWS::NotificationARNs": [],
        }
        return Scope({**pseudo, **parameters}, template.get("Conditions", {}), template.get("Mappings", {}))

    def _bring(self, name: str, wanted: dict[str, Any], scope: Scope) -> Resource | None:
        """Make or change one resource; return the old one where it was replaced and is still to be deleted."""
        resource_type, type_ = RESOURCE_TYPES[wanted["Type"]], wanted["Type"]
        old = self.resources.get(name)
        replaced = None
        try:
            properties = evaluate(wanted.get("Properties", {}), scope)
            if old is None:
                self.tell(name, "", type_, "CREATE_IN_PROGRESS", "")
                physical = resource_type.create(self._context(name), properties)
                self.tell(name, physical.ref, type_, "CREATE_COMPLETE", "")
            elif (old.type, old.properties) == (type_, properties):
                physical = old.physical
            else:
                self.tell(name, old.physical.ref, type_, "UPDATE_IN_PROGRESS", "")
                physical = self._change(name, old, type_, properties)
                is_replaced = physical.ref != old.physical.ref and not resource_type.leaves_old(properties)
                replaced = old if is_replaced else None
                self.tell(name, physical.ref, type_, "UPDATE_COMPLETE", "")
        except Exception as error:
            status = "CREATE_FAILED" if old is None else "UPDATE_FAILED"
            self.tell(name, "", type_, status, str(error))
            raise Failed(name, str(error)) from error
        retained = wanted.get("DeletionPolicy") == "Retain"
        self.resources[name] = Resource(type_, properties, physical, retained)
        scope.resources[name] = (physical.ref, physical.attributes)
        return replaced

    def _change(self, name: str, old: Resource, type_: str, properties: Properties) -> PhysicalResource:
        resource_type, context = RESOURCE_TYPES[type_], self._context(name)
        if type_ != old.type or any(old.properties.get(key) != properties.get(key) for key in resource_type.fixed):
            return resource_type.create(context, properties)
        if resource_type.update is not None:
            return resource_type.update(context, old.physical, properties)
        if type_ in _SAME_NAME:  # the new one would meet the old one's name
            resource_type.delete(context, old.physical)
        return resource_type.create(context, properties)

    def undo(self, name: str, old: Resource | None, *, failed: bool) -> None:
        """Bring one resource back to what it was, None if it was not; `failed` marks the one whose change broke off."""
        now = self.resources[name]
        if old is None:
            self._delete(name, now)
            del self.resources[name]
        elif now.physical.ref != old.physical.ref:  # it was replaced, and the old one stands still
            self._delete(name, now)
            self.resources[name] = old
        elif failed or now.properties != old.properties:
            try:
                physical = self._change(name, now, old.type, old.properties)
            except Exception as error:
                raise Failed(name, str(error)) from error
            self.resources[name] = Resource(old.type, old.properties, physical, old.retained)

    def _delete(self, name: str, resource: Resource) -> None:
        if resource.retained:
            return
        self.tell(name, resource.physical.ref, resource.type, "DELETE_IN_PROGRESS", "")
        try:
            RESOURCE_TYPES[resource.type].delete(self._context(name), resource.physical)
        except Exception as error:
            self.tell(name, resource.physical.ref, resource.type, "DELETE_FAILED", str(error))
            raise Failed(name, str(error)) from error
        self.tell(name, resource.physical.ref, resource.type, "DELETE_COMPLETE", "")

    def _context(self, name: str) -> Context:
        return Context(self.settings, self.stack, self.stack_id, name)


# types whose replacement takes the very name of what it replaces
_SAME_NAME = {
    "AWS::ECR::Repository",
    "AWS::IAM::InstanceProfile",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Route",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::Lambda::Permission",
}
