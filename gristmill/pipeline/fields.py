"""What the fields of `pipeline.yaml` are made of: a closed schema, names, sizes."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gristmill.limits import BATCH_NAME_MAX, NAME_MAX

Name = Annotated[str, StringConstraints(pattern=rf"^[a-z][a-z0-9-]{{0,{NAME_MAX - 1}}}$")]
ParameterName = Annotated[str, StringConstraints(pattern=rf"^[a-z][a-z0-9_]{{0,{NAME_MAX - 1}}}$")]
Callable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
Reference = Annotated[str, StringConstraints(pattern=rf"^params\.[a-z][a-z0-9_]{{0,{NAME_MAX - 1}}}$")]
Size = Annotated[int, Field(ge=1)] | Reference
Suffix = Annotated[str, StringConstraints(pattern=r"^\.[\w.]+$")]
# AWS Batch API reference, SubmitJob: a name, and maybe a revision
JobDefinition = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9][\w-]{{0,{BATCH_NAME_MAX - 1}}}(:\d+)?$")]


class Closed(BaseModel):
    """A schema where an unknown field is an error and nothing changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
