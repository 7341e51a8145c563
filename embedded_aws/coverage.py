"""docs/embedded-aws-coverage.md: what the embedded AWS answers and keeps, written from its code (`make reference`)."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from botocore.session import get_session

from embedded_aws.services import awslambda, batch, cloudformation, events, s3, sns, stepfunctions
from embedded_aws.services.batch.api import operations
from embedded_aws.services.batch.engine.engine import Engine
from embedded_aws.services.cloudformation.resources import RESOURCE_TYPES
from embedded_aws.settings.settings import Settings

_INTRO = """# What the embedded AWS covers

Written by `make reference` from the code of `embedded_aws/`. How it behaves: [the embedded AWS](embedded-aws.md).
"""
_SERVICES = {
    "S3": s3,
    "EventBridge": events,
    "Step Functions": stepfunctions,
    "Lambda": awslambda,
    "Batch": batch,
    "SNS": sns,
    "CloudFormation": cloudformation,
}
_OF_MOTO = "Every other service and action is moto's, as it comes, if the request is signed with a key of this server."
_REFUSED = "Every other type, and every other property of these types, is refused at deploy by its name."


def page() -> str:
    """Return the page, in Markdown."""
    return "\n".join([_INTRO, *_services(), *_actions(), *_resources(), ""])


def _services() -> Iterator[str]:
    yield "## Services\n"
    yield from _table(
        ("service", "what this package adds to moto"),
        ((name, (room.__doc__ or "").strip().splitlines()[0]) for name, room in _SERVICES.items()),
    )
    yield f"\n{_OF_MOTO}\n"


def _actions() -> Iterator[str]:
    yield "## Actions of Batch and Step Functions\n"
    answered = {"Batch": ("batch", batch_actions()), "Step Functions": ("stepfunctions", step_functions_actions())}
    yield from _table(
        ("service", "answered", "not answered"),
        (
            (name, _listed(known), _listed(set(get_session().get_service_model(model).operation_names) - known))
            for name, (model, known) in answered.items()
        ),
    )
    yield ""


def batch_actions() -> set[str]:
    """Return the actions of Batch that are answered."""
    engine = SimpleNamespace(settings=Settings(Path()))  # nothing is started: the names alone are wanted
    return set(operations(cast(Engine, engine)))


def step_functions_actions() -> set[str]:
    """Return the actions of Step Functions that are answered: those that moto has."""
    from moto.stepfunctions.responses import StepFunctionResponse

    names = get_session().get_service_model("stepfunctions").operation_names
    return {name for name in names if hasattr(StepFunctionResponse, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())}


def _resources() -> Iterator[str]:
    yield "## CloudFormation resource types\n"
    yield from _table(
        ("type", "properties that are kept", "properties that are ignored, and why"),
        (
            (f"`{name}`", _listed(resource_type.kept), _reasons(resource_type.ignored))
            for name, resource_type in sorted(RESOURCE_TYPES.items())
        ),
    )
    yield f"\n{_REFUSED}"


def _reasons(ignored: dict[str, str]) -> str:
    return "; ".join(f"`{name}`: {reason}" for name, reason in sorted(ignored.items()))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
