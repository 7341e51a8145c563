import os
import sys
import time


def solve(source, sink, parameters):
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    print(f"rank {world.Get_rank()} solves", flush=True)  # noqa: T201
    if world.Get_rank() == 0:
        sink.write(b"half of it\n")
        sink.flush()
    world.Barrier()
    if parameters["how"] == "abort":
        world.Abort()
    if parameters["how"] == "quit":
        sys.exit()
    if parameters["how"] == "die" and world.Get_rank() == 0:
        os._exit(0)
    time.sleep(60)
