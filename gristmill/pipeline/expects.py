"""What a branch's containers are expected to need: for estimates alone."""

from pydantic import ByteSize, Field

from gristmill.pipeline.fields import Bytes, Closed, Number, Operation


class Expects(Closed):
    """What one container is expected to need: for the estimate of the cost, and to plan how many there are."""

    seconds_per_task: Operation[Number] = Field(
        default=0, ge=0, description="Seconds that a task takes whatever its size.", examples=[300]
    )
    bytes_per_second: Operation[Bytes] = Field(
        default=ByteSize(10_000_000), description="Input that a container works through.", examples=["50MB"]
    )

    def seconds(self, tasks: int, size: int) -> float:
        """Return the seconds that so many tasks of so many bytes take in all."""
        return tasks * self.seconds_per_task + size / self.bytes_per_second
