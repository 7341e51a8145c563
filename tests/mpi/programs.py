"""An MPI program that ends, well or not, as its argument says."""

import os
import signal
import subprocess
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
if how == "abort-everywhere":
    world.Abort()
if how.startswith("awaited"):
    if rank == 1:
        os._exit(int(how.rpartition("-")[2]))
    world.recv(source=1)
if rank == world.Get_size() - 1:
    if how == "exit":
        os._exit(7)
    if how == "exit-early":
        os._exit(0)
    if how == "become":
        os.execvp("true", ["true"])  # noqa: S606
    if how == "abort":
        world.Abort(5)
    if how == "give-up":
        world.Abort()
    if how == "abort-256":
        world.Abort(256)
    if how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "killed-by-group":
        os.kill(0, signal.SIGKILL)
    if how == "raise":
        raise ValueError("the grain is wet")
if how == "read":
    sys.stdout.write(f"rank {rank} read {sys.stdin.read()!r}\n")
if how == "leave" and rank == 1:
    process = subprocess.Popen(["sleep", "300"], start_new_session=True)
    sys.stdout.write(f"left {process.pid}\n")
if how == "disagree" and rank == 0:
    world.Barrier()
if how == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if how == "polite":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if how not in ("hello", "finalized", "read", "leave"):
    time.sleep(8 if how == "short" else 60)
