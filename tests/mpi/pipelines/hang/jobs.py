import time


def wait(source, sink, parameters):
    from mpi4py import MPI

    if MPI.COMM_WORLD.Get_rank() == 0:
        print("waiting", flush=True)  # noqa: T201
    time.sleep(1000)
