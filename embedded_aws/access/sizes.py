"""How large a body may be whose signature is known only once it has come whole, after AWS's own quotas."""

import re

from embedded_aws.access.refusals import Refused, Why
from embedded_aws.access.request import Request

_MOST = 6_291_456  # of a request to Invoke; no other service takes more (AWS Lambda developer guide, "Quotas")
_MOST_CODE = 70_167_211  # of a request that brings code in it, which is 50 MB as base64 (Lambda's own message)
_MOST_FORM = 5 * 1024**3  # of one upload (Amazon S3 API reference, "POST Object")
_CODE = re.compile(r"/\d{4}-\d\d-\d\d/(functions|functions/[^/]+/code|layers/[^/]+/versions)/?")


def check(service: str, request: Request, length: int | None) -> None:
    """Refuse a request, to another service than S3, with a body that is larger than its service takes."""
    brings_code = service == "lambda" and _CODE.fullmatch(request.path)
    _check(service, length, _MOST_CODE if brings_code else _MOST)


def check_form(length: int | None) -> None:
    """Refuse a form of an unknown size, or of one that no upload has."""
    _check("s3", length, _MOST_FORM)


def _check(service: str, length: int | None, most: int) -> None:
    if length is None:
        raise Refused(Why.NO_LENGTH, service)
    if length > most:
        raise Refused(Why.TOO_LARGE, service, f"{length} bytes, of {most}")
