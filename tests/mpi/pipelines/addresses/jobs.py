import subprocess


def look(source, sink, parameters):
    from mpi4py import MPI

    done = subprocess.run(["ip", "-4", "-br", "address", "show", "eth0"], capture_output=True, text=True, check=True)
    found = MPI.COMM_WORLD.gather(done.stdout.split()[2].partition("/")[0])
    if found is not None:
        sink.write("\n".join(found).encode())
