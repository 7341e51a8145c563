"""The first MPI program there is: who is there?"""

import os
from collections.abc import Mapping
from typing import Any, BinaryIO

from mpi4py import MPI


def hello(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write a line of each rank, in their order."""
    world = MPI.COMM_WORLD
    node = os.environ["AWS_BATCH_JOB_NODE_INDEX"]
    line = f"rank {world.Get_rank()} of {world.Get_size()} on node {node}, {MPI.Get_processor_name()}\n"
    lines = world.gather(line)
    if lines is not None:
        sink.write("".join(lines).encode())
