"""An MPI program that ends, well or not, as its argument says."""

import os
import signal
import sys
import time

from mpi4py import MPI

world = MPI.COMM_WORLD
rank, how = world.Get_rank(), sys.argv[1]
node = os.environ["AWS_BATCH_JOB_NODE_INDEX"]
sys.stdout.write(f"rank {rank} of {world.Get_size()} node {node} {MPI.Get_processor_name()}\n")
sys.stdout.flush()
assert world.allreduce(1) == world.Get_size()
if how == "finalized" and rank == 1:
    MPI.Finalize()
    os._exit(9)
if rank == 1:
    if how == "exit":
        os._exit(7)
    if how == "abort":
        world.Abort(5)
    if how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "raise":
        raise ValueError("the grain is wet")
if how not in ("hello", "finalized"):
    time.sleep(8 if how == "short" else 60)
