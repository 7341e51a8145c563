"""What all records share: a closed schema, texts that can be written down, and counts."""

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
)

from gristmill.printable import encodable

Words = Annotated[str, AfterValidator(encodable)]  # of programs and users, who may say anything
Count = Annotated[int, Field(ge=0, lt=2**63)]


class Record(BaseModel):
    """A closed, immutable record: an unknown field is an error, for it means another contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)
