"""What the fields of `pipeline.yaml` are made of: a closed schema, names, sizes. Each kind of text has its words."""

import re
from enum import Enum
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from gristmill.limits import BATCH_NAME_MAX, FIGURE_NAME_MAX, MEMORY_MIN, MIB, NAME_MAX

_NAME = rf"^[a-z][a-z0-9-]{{0,{NAME_MAX - 1}}}$"
_PARAMETER_NAME = rf"^[a-z][a-z0-9_]{{0,{NAME_MAX - 1}}}$"
_MADE = rf"^[a-z][a-z0-9-]{{0,{NAME_MAX - 1}}}(\.[a-z][a-z0-9-]{{0,{NAME_MAX - 1}}})?$"
_CALLABLE = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
_REFERENCE = rf"^params\.[a-z][a-z0-9_]{{0,{NAME_MAX - 1}}}$"
_CONDITION = rf"^params\.[a-z][a-z0-9_]{{0,{NAME_MAX - 1}}}( *= *\S(.*\S)?)?$"
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
_SUFFIX = r"^\.[\w.]+$"
# AWS Batch API reference, SubmitJob: a name, and maybe a revision
_JOB_DEFINITION = rf"^[A-Za-z0-9][\w-]{{0,{BATCH_NAME_MAX - 1}}}(:\d+)?$"
# AWS Batch API reference, ContainerProperties: image; a digest is never moved, as a tag is
_CONTAINER = r"^[a-z0-9][A-Za-z0-9._:/-]{0,182}@sha256:[0-9a-f]{64}$"
_VALUE_FROM = r"^(ssm:(/[A-Za-z0-9_.-]+)+|secretsmanager:[A-Za-z0-9/_+=.@-]+)$"
_FOLDER_FILE = r"^[A-Za-z0-9_-][A-Za-z0-9_./-]{0,254}$"
_FIGURE = r"^[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*$"
_SHARE = r"^[0-9]{1,2}(\.[0-9]{1,4})?%$"
REFERENCE_KEY = r"^references/.+[^/]$"
_AMOUNT = r"^\s*[0-9]*\.?[0-9]+\s*[A-Za-z]+\s*$"
_BYTES = r"^\s*(\d*\.?\d+)\s*(\w+)?"  # pydantic's own

WORDS = {
    _NAME: f"a name of small letters, digits and hyphens, at most {NAME_MAX}, with a letter first",
    _PARAMETER_NAME: f"a name of small letters, digits and underscores, at most {NAME_MAX}, with a letter first",
    _MADE: "the name of a branch, or of one of its outputs: `branch.output`",
    _CALLABLE: "text such as `module:function`",
    _REFERENCE: "text such as `params.NAME`",
    _CONDITION: "text such as `params.NAME` or `params.NAME = VALUE`",
    _VARIABLE: "a name of letters, digits and underscores, with no digit first",
    _SUFFIX: "text such as `.txt`",
    _JOB_DEFINITION: f"letters, digits, hyphens and underscores, at most {BATCH_NAME_MAX}, and maybe `:REVISION`",
    _CONTAINER: "an image by its digest, such as `repository@sha256:` and 64 hexadecimal digits; a tag can be moved "
    "(`docker buildx imagetools inspect IMAGE` prints the digest)",
    _VALUE_FROM: "text such as `ssm:/NAME` or `secretsmanager:NAME`",
    _FOLDER_FILE: "the path of a file below the pipeline's folder",
    _FIGURE: f"a name, or names with dots between, at most {FIGURE_NAME_MAX} characters",
    _SHARE: "text such as `1%`, below 100%",
    REFERENCE_KEY: "a key such as `references/hg38.fa`",
    _AMOUNT: "text such as `4GB`",
    _BYTES: "text such as `50GB`",
}

Name = Annotated[str, StringConstraints(pattern=_NAME)]
MadeName = Annotated[str, StringConstraints(pattern=_MADE)]
ParameterName = Annotated[str, StringConstraints(pattern=_PARAMETER_NAME)]
Callable = Annotated[str, StringConstraints(pattern=_CALLABLE)]
Reference = Annotated[str, StringConstraints(pattern=_REFERENCE)]
Size = Annotated[int, Field(ge=1)] | Reference
Condition = Annotated[str, StringConstraints(pattern=_CONDITION)]
VariableName = Annotated[str, StringConstraints(pattern=_VARIABLE)]
Suffix = Annotated[str, StringConstraints(pattern=_SUFFIX)]
JobDefinition = Annotated[str, StringConstraints(pattern=_JOB_DEFINITION)]
ContainerImage = Annotated[str, StringConstraints(pattern=_CONTAINER)]
SecretName = Annotated[str, StringConstraints(pattern=_VALUE_FROM)]
FolderFile = Annotated[str, StringConstraints(pattern=_FOLDER_FILE)]
FigureName = Annotated[str, StringConstraints(pattern=_FIGURE, max_length=FIGURE_NAME_MAX)]
Tolerance = Annotated[int, Field(ge=0, strict=True)] | Annotated[str, StringConstraints(pattern=_SHARE)]
_AS_BYTES = TypeAdapter(ByteSize)


def _mib(given: Any) -> Any:
    """Return the MiB that a text with a unit means, rounded up; whatever else is given as it is."""
    if not isinstance(given, str) or not re.match(_AMOUNT, given):
        return given
    try:
        return -(-_AS_BYTES.validate_python(given) // MIB)
    except ValidationError:
        return given


Memory = Annotated[
    int,
    BeforeValidator(_mib),
    Field(ge=MEMORY_MIN, strict=True),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": MEMORY_MIN}, {"type": "string", "pattern": _AMOUNT}]}),
]
Number = Annotated[float, Field(allow_inf_nan=False)]
Bytes = Annotated[
    ByteSize,
    Field(ge=1),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": _BYTES}]}),
]


T = TypeVar("T")


class Effect(Enum):
    """What becomes of a run's finished tasks where a field is changed and the run resumed with the change."""

    REDO = "redo"  # it decides what a branch computes
    KEEP = "keep"  # it decides how that is done, or what becomes of it


Identity = Annotated[T, Effect.REDO]
Operation = Annotated[T, Effect.KEEP]


class Closed(BaseModel):
    """A schema where an unknown field is an error and nothing changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


def identity(part: Closed) -> dict[str, Any]:
    """Return the fields of a part of a pipeline that decide what is computed; those at their default are left out."""
    return {
        name: _plain(value)
        for name, field in type(part).model_fields.items()
        if Effect.REDO in field.metadata
        and (value := getattr(part, name)) != field.get_default(call_default_factory=True)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Closed):
        return identity(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
