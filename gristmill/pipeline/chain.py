"""What comes after a run: another pipeline, which is given one of its results."""

from pydantic import Field, JsonValue

from gristmill.pipeline.fields import Closed, MadeName, Name, Operation, ParameterName


class Chain(Closed):
    """A pipeline that is started on a result of the run, once the run has succeeded."""

    pipeline: Operation[Name] = Field(description="The pipeline that is started.", examples=["plot"])
    input: Operation[MadeName] = Field(
        description="The branch of this pipeline whose result that one's input is.", examples=["fahrenheit"]
    )
    params: Operation[dict[ParameterName, JsonValue]] = Field(
        default={},
        description="Parameters that the other pipeline is given, by name; of the others it has defaults.",
        examples=[{"lines_per_task": 500}],
    )
