import os
import shutil
import sys
from pathlib import Path

from mpi4py import MPI

given, made, factor, fail = sys.argv[1:]
world = MPI.COMM_WORLD
sums = world.gather((world.Get_rank() + 1) * int(factor) * len(Path(given).read_text()))
if fail == "xexit" and world.Get_rank() == 1:
    os._exit(9)
if fail == "xalways":
    raise ValueError("the mill is broken")
if fail == "xcleared":
    shutil.rmtree(Path(made).parent)
elif fail == "xfolder":
    Path(made).mkdir()
elif sums is not None and fail != "xsilent":
    Path(made).write_text(" ".join(map(str, sums)) + "\n")
