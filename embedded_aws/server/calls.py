"""Notes who called what: one line of JSON a call (role, IAM action, resource), for proving what a role needs.

The key id of functions and jobs tells their role, so the signature tells who calls.
"""

import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.session import get_session

from embedded_aws.access.claims import Claim
from embedded_aws.access.gate import CLAIM
from embedded_aws.machine.private_files import open_private
from embedded_aws.settings.keys import role_of
from embedded_aws.settings.settings import Settings

Environ = dict[str, Any]
Call = tuple[str, str]  # IAM action, resource


class Calls:
    """A WSGI application around another: calls of anybody but the laptop's user are noted."""

    def __init__(self, application: Callable[..., Any], settings: Settings, log: Path) -> None:
        self._application = application
        self._settings = settings
        self._log = os.fdopen(open_private(log, os.O_WRONLY | os.O_APPEND), "a", buffering=1)
        self._lock = threading.Lock()
        self._requests = count()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        """Serve a request, then note it: whether an object was missing is known only then."""
        claim: Claim = environ[CLAIM]
        who, service = role_of(claim.access_key_id), claim.service
        if who is None:
            return self._application(environ, start_response)
        made = list(s3_calls(environ) if service == "s3" else calls(self._settings, service, environ))

        def start(status: str, *rest: Any) -> Any:
            missing = service == "s3" and status.startswith("404") and "/" in made[0][1]
            # who may not list a bucket gets 403 for an object that is not there
            self._note(who, [*made, ("s3:ListBucket", made[0][1].partition("/")[0])] if missing else made)
            return start_response(status, *rest)

        return self._application(environ, start)

    def _note(self, who: str, made: list[Call]) -> None:
        with self._lock:
            request = next(self._requests)  # one may take several actions
            for action, resource in made:
                row = {"role": who, "action": action, "resource": resource, "request": request}
                self._log.write(json.dumps(row) + "\n")


def s3_calls(environ: Environ) -> Iterator[Call]:
    """Yield the IAM actions of a request to S3 (Amazon S3 user guide, "Required permissions for API operations")."""
    place, method = _s3_place(environ), environ["REQUEST_METHOD"]
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if "/" not in place:
        yield ("s3:ListBucket" if method in ("GET", "HEAD") else f"s3:{method}"), f"arn:aws:s3:::{place}"
        return
    version = "Version" if "versionId" in query else ""
    aborted = method == "DELETE" and "uploadId" in query
    actions = {
        "GET": f"s3:GetObject{version}",
        "HEAD": f"s3:GetObject{version}",
        "PUT": "s3:PutObject",
        "POST": "s3:PutObject",
        "DELETE": "s3:AbortMultipartUpload" if aborted else f"s3:DeleteObject{version}",
    }
    yield actions[method], f"arn:aws:s3:::{place}"
    source = environ.get("HTTP_X_AMZ_COPY_SOURCE")
    if source:
        yield "s3:GetObject", f"arn:aws:s3:::{unquote(source).lstrip('/').partition('?')[0]}"


def _s3_place(environ: Environ) -> str:
    """Return `bucket` or `bucket/key`: the gate puts every bucket into the path."""
    return str(environ["PATH_INFO"].encode("latin-1").decode(errors="replace").lstrip("/"))


def calls(settings: Settings, service: str, environ: Environ) -> Iterator[Call]:
    """Yield the IAM action of a request to another service, and what it is about where IAM asks for that."""
    body = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(body)
    target, text = environ.get("HTTP_X_AMZ_TARGET"), body.decode(errors="replace")
    if target:
        action, request = target.rpartition(".")[2], json.loads(text)
    elif text.startswith("{") or not text:
        action, request = _paths(service).get(environ["PATH_INFO"], environ["PATH_INFO"]), json.loads(text or "{}")
    else:
        request = {name: values[0] for name, values in parse_qs(text).items()}
        action = request["Action"]
    here = f"{settings.region}:{settings.account}"
    about = {
        "Publish": "{TopicArn}",
        "TerminateJob": f"arn:aws:batch:{here}:job/{{jobId}}",
        "GetLogEvents": f"arn:aws:logs:{here}:log-group:{{logGroupName}}:log-stream:{{logStreamName}}",
        "GetExecutionHistory": "{executionArn}",
        "PutItem": f"arn:aws:dynamodb:{here}:table/{{TableName}}",
        "PutEvents": f"arn:aws:events:{here}:event-bus/default",
        "GetParameter": f"arn:aws:ssm:{here}:parameter/{{Name}}",
    }
    if action == "GetParameter":
        request["Name"] = request["Name"].removeprefix("/")  # the ARN of /a/b is parameter/a/b
    yield f"{service}:{action}", about.get(action, "*").format(**request)


@cache
def _paths(service: str) -> dict[str, str]:
    """Return a service's operations by path, for services whose paths differ by operation."""
    model = get_session().get_service_model(service)
    return {model.operation_model(name).http["requestUri"]: name for name in model.operation_names}
