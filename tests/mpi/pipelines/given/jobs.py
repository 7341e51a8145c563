import json
import os

from mpi4py import MPI


def tell(source, sink, parameters, task):
    world = MPI.COMM_WORLD
    words = {name: file.read_text() for name, file in task.inputs.items()}
    found = world.gather([words, os.environ["NOTE"], parameters["ks"], sorted(parameters)])
    if found:
        sink.write(json.dumps([source.read().decode(), *found]).encode())
