"""A check of `pipeline.yaml`: bounds on a figure that a branch writes."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from gristmill.enums import Breach
from gristmill.humanize import number
from gristmill.limits import MESSAGE_MAX
from gristmill.pipeline.fields import Closed, FigureName, MadeName, Number, Operation


def _no_truth(given: Any) -> Any:
    """Refuse true and false, which pydantic would take for 1 and 0."""
    if isinstance(given, bool):
        raise ValueError("is no number, but true or false")
    return given


Message = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MESSAGE_MAX)]
Bound = Annotated[Number, BeforeValidator(_no_truth)]


class Check(Closed):
    """A bound on a figure that a branch writes: out of it, the run fails or warns.

    A branch's figures are its merged output: one JSON object.
    """

    of: Operation[MadeName] = Field(description="The branch that writes the figure.", examples=["quality"])
    figure: Operation[FigureName] = Field(
        description="The figure's name in the JSON object; a dot leads into an object in it.",
        examples=["celsius.highest"],
    )
    minimum: Operation[Bound | None] = Field(default=None, description="The least value.", examples=[0])
    maximum: Operation[Bound | None] = Field(default=None, description="The greatest value.", examples=[60])
    equals: Operation[Bound | None] = Field(default=None, description="The only value.", examples=[0])
    otherwise: Operation[Breach] = Field(
        default=Breach.FAIL, description="What a value out of the bounds does to the run.", examples=["warn"]
    )
    message: Operation[Message] = Field(
        description="What a value out of the bounds means, and what to do about it, for people.",
        examples=["No place on earth is hotter. A sensor may be broken."],
    )

    @property
    def bounds(self) -> str:
        """Return the bounds in words: at most 0.2."""
        named = {"exactly": self.equals, "at least": self.minimum, "at most": self.maximum}
        return " and ".join(f"{words} {number(bound)}" for words, bound in named.items() if bound is not None)

    def holds(self, value: float) -> bool:
        """Return whether a value is within the bounds."""
        return (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.equals is None or value == self.equals)
        )
