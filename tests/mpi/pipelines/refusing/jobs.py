from gristmill.errors import Refused


def solve(source, sink, parameters):
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    if world.Get_rank() == 1:
        raise Refused(["the grain is barley"], "Grind wheat.")
    world.Barrier()
