"""What a template wants: only what the embedded AWS can keep, each resource after those it refers to."""

from collections.abc import Iterator
from typing import Any

from embedded_aws.services.cloudformation.evaluate import references
from embedded_aws.services.cloudformation.resources import RESOURCE_TYPES

# attributes of a resource that are known or mean nothing here
_ATTRIBUTES = {"Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"}


class Failed(Exception):
    """Raised when a resource cannot be made or changed: its logical name, and why."""

    def __init__(self, logical: str, reason: str) -> None:
        super().__init__(f"{logical}: {reason}")
        self.logical = logical
        self.reason = reason


def check_types(wanted: dict[str, Any]) -> None:
    """Refuse what the embedded AWS would lose: unknown types and properties, all of them at once."""
    lost = []
    for name, definition in wanted.items():
        resource_type, strange = RESOURCE_TYPES.get(definition["Type"]), sorted(set(definition) - _ATTRIBUTES)
        if strange:
            lost.append(f"{name}: the embedded AWS would lose its {', '.join(strange)}")
        if resource_type is None:
            lost.append(f"{name}: the embedded AWS has no {definition['Type']}")
        elif resource_type.lost(definition.get("Properties", {})):
            lost.append(
                f"{name}: {definition['Type']} would lose {', '.join(resource_type.lost(definition['Properties']))}"
            )
    if lost:
        raise Failed(lost[0].partition(":")[0], "; ".join(lost))


def in_order(wanted: dict[str, Any]) -> Iterator[str]:
    """Yield the names of resources, each after those it refers to; a circle is an error."""
    done: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> Iterator[str]:
        if name in done or name not in wanted:
            return
        if name in path:
            raise Failed(name, f"Circular dependency between resources: {' -> '.join([*path, name])}")
        path.append(name)
        depends = wanted[name].get("DependsOn", [])
        for other in [depends] if isinstance(depends, str) else depends:
            yield from visit(other)
        for other in references(wanted[name].get("Properties", {})):
            yield from visit(other)
        path.pop()
        done.add(name)
        yield name

    for name in wanted:
        yield from visit(name)
