"""The history of an execution in pages, and newest first where that is asked; moto returns all of it in order."""

from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.stepfunctions import responses

_PAGE, _PAGE_MAX = 100, 1000  # events (AWS Step Functions API reference, GetExecutionHistory)


def install() -> None:
    """Apply the patch."""
    whole = responses.StepFunctionResponse.get_execution_history

    def one_page(self: Any) -> Any:
        events = list(whole(self).result["events"])
        if self._get_param("reverseOrder"):
            events.reverse()
        first, count = _start(self._get_param("nextToken")), self._get_param("maxResults") or _PAGE
        if not 0 < count <= _PAGE_MAX:
            raise JsonRESTError("ValidationException", f"maxResults must be between 0 and {_PAGE_MAX}: {count}")
        more = {"nextToken": str(first + count)} if first + count < len(events) else {}
        return ActionResult({"events": events[first : first + count], **more})

    responses.StepFunctionResponse.get_execution_history = one_page


def _start(token: str | None) -> int:
    if token is not None and not token.isdecimal():
        raise JsonRESTError("InvalidToken", f"Invalid Token: {token!r}")
    return int(token or 0)
