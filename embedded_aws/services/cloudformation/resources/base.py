"""What a resource type is made of: which properties it keeps, and how it is made, changed and deleted."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from embedded_aws.settings.clients import client
from embedded_aws.settings.settings import Settings

Properties = dict[str, Any]


@dataclass(frozen=True)
class PhysicalResource:
    """A resource: what `Ref` and `Fn::GetAtt` give of it."""

    ref: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """Where a resource is made: the embedded AWS, its stack, and its logical name."""

    settings: Settings
    stack: str
    stack_id: str
    logical: str

    def client(self, service: str) -> Any:
        """Return a client of the embedded AWS."""
        return client(self.settings, service)

    def name(self, given: str | None = None, lower: bool = False, longest: int = 63) -> str:
        """Return the name that is given, or one that stays the same as long as the stack lives."""
        if given:
            return given
        digest = hashlib.sha256(f"{self.stack_id}{self.logical}".encode()).hexdigest()[:8]
        name = f"{self.stack}-{self.logical}"[: longest - 9] + f"-{digest}"
        return name.lower() if lower else name


Create = Callable[[Context, Properties], PhysicalResource]
Update = Callable[[Context, PhysicalResource, Properties], PhysicalResource]
Delete = Callable[[Context, PhysicalResource], None]


@dataclass(frozen=True)
class ResourceType:
    """A resource type. `ignored` properties have no meaning on a laptop: each with its reason.

    Without `update` a changed resource is replaced; so is one of whose `fixed` properties any changes.
    What was replaced is deleted, unless `leaves_old` says of the new properties that it stays.
    """

    create: Create
    delete: Delete
    kept: frozenset[str]
    ignored: dict[str, str] = field(default_factory=dict)
    update: Update | None = None
    fixed: frozenset[str] = frozenset()
    leaves_old: Callable[[Properties], bool] = lambda _properties: False

    def lost(self, properties: Iterable[str]) -> list[str]:
        """Return the properties that this type would lose."""
        return sorted(set(properties) - self.kept - set(self.ignored))


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


def nothing(_context: Context, _resource: PhysicalResource) -> None:
    """Delete nothing: it goes with what it belongs to."""


def recase(value: Any, shape: Shape) -> Any:
    """Return CloudFormation's PascalCase value in the letter case of an API shape; free-form maps stay as they are.

    Raises ValueError for a member that the shape does not have.
    """
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        known = {name.lower(): name for name in shape.members}
        unknown = [key for key in value if key.lower() not in known]
        if unknown:
            raise ValueError(f"{shape.name} has no {', '.join(unknown)}")
        return {known[key.lower()]: recase(inner, shape.members[known[key.lower()]]) for key, inner in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [recase(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: recase(inner, shape.value) for key, inner in value.items()}
    return _scalar(value, shape)


def _scalar(value: Any, shape: Shape) -> Any:
    if shape.type_name in ("integer", "long") and isinstance(value, str):
        return int(value)
    if shape.type_name in ("float", "double") and isinstance(value, str | int):
        return float(value)
    if shape.type_name == "boolean" and isinstance(value, str):
        return value == "true"
    return str(value) if shape.type_name == "string" and isinstance(value, int | float) else value


def request(service_client: Any, operation: str, properties: Properties) -> Any:
    """Return properties in the shape of an operation's input."""
    return recase(properties, service_client.meta.service_model.operation_model(operation).input_shape)


def as_text(value: Any) -> str:
    """Return a value as attributes of SQS and SNS have it: text, JSON for maps and lists."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
