"""The patch point: moto's Batch endpoint answers with our operations."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from botocore.session import get_session
from botocore.validate import ParamValidator
from moto.batch import urls
from moto.batch.exceptions import ClientException
from moto.batch.responses import BatchResponse

from embedded_aws.services.batch.api import Operation, Refusal, operations
from embedded_aws.services.batch.engine import hosts
from embedded_aws.services.batch.engine.engine import Engine
from embedded_aws.settings.settings import Settings

_TAGS = {"POST": "TagResource", "GET": "ListTagsForResource", "DELETE": "UntagResource"}
_engines: list[Engine] = []


def install(settings: Settings) -> None:
    """Replace the operations."""
    close()
    engine = Engine(settings)
    _engines.append(engine)
    answers = {name: _checked(engine, name, operation) for name, operation in operations(engine).items()}
    for name, answer in answers.items():
        if name not in _TAGS.values():
            setattr(BatchResponse, name.lower(), _body_answer(answer))
            urls.url_paths[f"{{0}}/v1/{name.lower()}$"] = BatchResponse.dispatch
    hosts.install(engine)
    BatchResponse.tags = _tags_answer(answers)


def _checked(engine: Engine, name: str, operation: Operation) -> Operation:
    """Return an operation that refuses what does not fit the service's model, and runs under the engine's lock."""
    shape = get_session().get_service_model("batch").operation_model(name).input_shape
    validator = ParamValidator()

    def checked(request: dict[str, Any]) -> dict[str, Any]:
        report = validator.validate(request, shape)
        if report.has_errors():
            raise ClientException(report.generate_report())
        try:
            with engine.lock:
                return operation(request)
        except Refusal as refusal:
            raise ClientException(str(refusal)) from refusal

    return checked


def _body_answer(answer: Operation) -> Callable[[Any], str]:
    return lambda self: json.dumps(answer(json.loads(self.body or "{}")))


def _tags_answer(answers: dict[str, Operation]) -> Callable[[Any], str]:
    def tags(self: Any) -> str:
        request = json.loads(self.body) if self.body and self.method == "POST" else {}
        request["resourceArn"] = unquote(self.path).partition("/v1/tags/")[2]
        if self.method == "DELETE":
            request["tagKeys"] = self.querystring.get("tagKeys", [])
        return json.dumps(answers[_TAGS[self.method]](request))

    return tags


def close() -> None:
    """End all jobs."""
    while _engines:
        _engines.pop().close()
