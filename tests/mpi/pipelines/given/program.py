import json
import os
import sys
from pathlib import Path

from mpi4py import MPI

made, words, sums, *ks = sys.argv[1:]
own = [Path(words).read_text(), Path(os.environ["INPUT_WORDS"]).read_text(), Path(sums).read_text()]
hidden = [name for name in os.environ if name == "GRISTMILL_CODE"]
found = MPI.COMM_WORLD.gather([own, os.environ["NOTE"], ks, os.environ["PARAM_KS"], hidden])
if found:
    Path(made).write_text(json.dumps(found))
