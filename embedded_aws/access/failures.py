"""What a service could not serve: whether its request cannot be read, or asks for what is not there."""

import json
import re
from itertools import accumulate
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError, ParserCreate

from botocore.model import OperationNotFoundError

from embedded_aws.access.claims import Claim
from embedded_aws.access.refusals import Why

_UNREADABLE = (RecursionError, json.JSONDecodeError, UnicodeDecodeError, ExpatError, ParseError)
_DEEPEST = 100  # elements of XML in each other
_DEEPEST_JSON = 500  # objects and arrays in each other; not left to the recursion limit, which libraries raise
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_STEPS = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
_MOST = 1024**2  # bytes of a document; what is larger is an object


def why(environ: dict[str, Any], claim: Claim, error: Exception) -> Why | None:
    """Return why a request made its service fail; None where the service itself is to blame."""
    operation = str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]
    if isinstance(error, NotImplementedError | OperationNotFoundError) or error.args == (operation,):
        return Why.NO_SERVICE
    if isinstance(error, _UNREADABLE) or not _is_readable(_document(environ), claim.service):
        return Why.UNREADABLE
    return None


def _document(environ: dict[str, Any]) -> bytes:
    environ["wsgi.input"].seek(0)
    return bytes(environ["wsgi.input"].read(_MOST))


def _is_readable(document: bytes, service: str) -> bool:
    start = document.lstrip()[:1]
    if service == "s3":
        return start != b"<" or _is_shallow(document)
    if start not in (b"[", b'"', b"n", b"{"):
        return True
    try:
        return _json_depth(document) <= _DEEPEST_JSON and isinstance(json.loads(document), dict)
    except ValueError:
        return False


def _json_depth(document: bytes) -> int:
    """Return how many objects and arrays of a document lie in each other at most."""
    brackets = re.findall(rb"[\[\]{}]", _STRING.sub(b"", document))
    return max(accumulate(_STEPS[bracket] for bracket in brackets), default=0)


def _is_shallow(document: bytes) -> bool:
    """Return whether a document is XML of a sound depth."""
    depth = deepest = 0

    def begin(_name: str, _attributes: Any) -> None:
        nonlocal depth, deepest
        depth += 1
        deepest = max(depth, deepest)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    try:
        parser.Parse(document, True)
    except ExpatError:
        return False
    return deepest <= _DEEPEST
