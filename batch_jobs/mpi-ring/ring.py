"""A number on its way round all ranks, and the same sum as a reduction."""

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from mpi4py import MPI


def ring(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Send the file's number round; each rank adds its rank number. ValueError where the file has no number."""
    world = MPI.COMM_WORLD
    rank, size = world.Get_rank(), world.Get_size()
    start = world.bcast(int(source.read()) if rank == 0 else None)
    before, after = (rank - 1) % size, (rank + 1) % size
    if rank == 0:
        world.send(start, after)
        passed = world.recv(source=before)
    else:
        passed = world.recv(source=before) + rank
        world.send(passed, after)
    reduced = start + world.allreduce(rank)
    if rank == 0:
        if passed != reduced:
            raise ArithmeticError(f"the ring says {passed}, the reduction {reduced}")
        sink.write(json.dumps({"ranks": size, "start": start, "ring": passed, "reduced": reduced}).encode() + b"\n")
