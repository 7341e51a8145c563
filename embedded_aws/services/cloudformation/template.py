"""Reading templates: YAML or JSON, short-form functions, the SAM transform."""

from __future__ import annotations

import json
from typing import Any

import yaml

SAM = "AWS::Serverless-2016-10-31"

_SECTIONS = {
    "AWSTemplateFormatVersion",
    "Transform",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Conditions",
    "Mappings",
    "Globals",
    "Resources",
    "Outputs",
}


class _Loader(yaml.SafeLoader):
    """SafeLoader that knows `!Ref` and its kin."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)
# dates stay text, as in "2012-10-17"
_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str) -> dict[str, Any]:
    """Return a template's content."""
    content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    if not isinstance(content, dict) or not content.get("Resources"):
        raise ValueError("Template format error: At least one Resources member must be defined.")
    unknown = sorted(set(content) - _SECTIONS)
    if unknown:
        raise ValueError(f"Template format error: the embedded AWS would lose the sections {', '.join(unknown)}")
    return content


def transformed(template: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the template after its transform, which for SAM is AWS's own."""
    wanted = template.get("Transform")
    if wanted is None:
        return template
    if wanted not in (SAM, [SAM]):
        raise ValueError(f"The embedded AWS knows no transform but {SAM}: {wanted}")
    from samtranslator.public.translator import ManagedPolicyLoader
    from samtranslator.translator.transform import transform

    copy = json.loads(json.dumps(template))
    result: dict[str, Any] = transform(copy, parameters, ManagedPolicyLoader(_NoIam()))
    result.pop("Transform", None)
    return result


class _NoIam:
    """Stands for IAM where the transform looks up managed policies by name; the template names ARNs."""

    def get_paginator(self, _name: str) -> _NoIam:
        """Return itself."""
        return self

    def paginate(self, **_which: Any) -> list[dict[str, Any]]:
        """Return no policies."""
        return []
