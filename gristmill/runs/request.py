"""What an execution is asked for: its input, parsed strictly, by the same rules for everyone who reads it.

Anybody who may start executions can write any JSON into one. What is neither the event of a file that was dropped into
this stack's bucket nor a request to resume a run is refused here, before anything is read, claimed or sent.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from gristmill import keys
from gristmill.errors import Refused, first_fault
from gristmill.limits import FENCE_MAX, S3_KEY_MAX_BYTES
from gristmill.runs.drop import RUN_DIGITS, Drop

RunId = Annotated[str, StringConstraints(pattern=rf"^[0-9a-f]{{{RUN_DIGITS}}}$")]
_Key = Annotated[str, StringConstraints(max_length=S3_KEY_MAX_BYTES)]
_Name = Annotated[str, StringConstraints(max_length=S3_KEY_MAX_BYTES)]


class Changes(BaseModel):
    """That a run is to go on as its pipeline is defined by now."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: int | None = Field(None, ge=1)  # that was pushed; None: what every run takes by now


class Resume(BaseModel):
    """A request to go on with a run, whose record had this fence when it was asked for.

    An execution takes the run over only while the record still has it: of several, and of late ones, one succeeds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    run: RunId
    fence: int = Field(ge=1, lt=FENCE_MAX)
    changes: Changes | None = None  # None: as it was
    round: int | None = Field(None, ge=1, le=FENCE_MAX)  # of the batch that feeds its item anew; None: nobody's


class _Resumption(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    resume: Resume


class _Sent(BaseModel):
    """A part of an event. AWS adds fields to its events without notice, so unknown ones are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)


class _Bucket(_Sent):
    name: _Name


class _Object(_Sent):
    key: _Key
    version: _Name | None = Field(None, alias="version-id")
    etag: _Name = ""
    size: int = Field(0, ge=0)
    sequencer: _Name = ""


class _Detail(_Sent):
    bucket: _Bucket
    object: _Object
    requester: _Name = ""


class _Event(_Sent):
    source: Literal["aws.s3"]
    kind: Literal["Object Created"] = Field(alias="detail-type")
    detail: _Detail


Request = Drop | Resume


def resume_name(run: str, fence: int, place: int) -> str:
    """Return the name of the execution that resumes a run; `place` counts those that failed before their claim."""
    return f"{run}-resume-{fence}" + (f"-{place}" if place else "")


def drop_event(bucket: str, key: str, version: str | None) -> dict[str, Any]:
    """Return the event of a drop, as far as an execution reads it."""
    detail = {"bucket": {"name": bucket}, "object": {"key": key, "version-id": version}}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def read_request(given: Any, bucket: str) -> Request:
    """Return what an execution's input asks for; Refused unless it is a drop into `bucket` or a resume."""
    try:
        if isinstance(given, Mapping) and "resume" in given:
            return _Resumption.model_validate(given).resume
        event = _Event.model_validate(given)
    except ValidationError as error:
        raise _refused(first_fault(error)) from error
    detail = event.detail
    if detail.bucket.name != bucket:
        raise _refused(f"detail.bucket.name: {detail.bucket.name} is not this stack's bucket, {bucket}")
    if not detail.object.key.startswith(keys.INPUTS):
        raise _refused(f"detail.object.key: only keys below {keys.INPUTS} start runs")
    return Drop(bucket, **detail.object.model_dump(), requester=detail.requester)


def parse_request(text: str, bucket: str) -> Request:
    """Return what an execution's input, as JSON text, asks for; Refused as `read_request` does."""
    try:
        return read_request(from_json(text), bucket)
    except ValueError as error:
        raise _refused(f"it is not JSON ({error})") from error


def _refused(why: str) -> Refused:
    return Refused(
        [f"the execution's input is neither a file dropped into this stack's bucket nor a resume: {why}"],
        "Drop the file under inputs/<pipeline>/, or use: gristmill resume",
    )
