def square(source, sink, parameters):
    for line in source:
        sink.write(b"%d\n" % (int(line) ** 2))


def count(source, sink, parameters):
    sink.write(b"%d lines\n" % len(source.read().splitlines()))


def add(source, sink, parameters):
    """Each rank adds its share of the lines; rank 0 writes the share sums and the whole one."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    numbers = [int(line) for line in source.read().split()][world.Get_rank() :: world.Get_size()]
    shares = world.gather(sum(numbers))
    if shares is not None:
        sink.write("".join(f"{share}\n" for share in [*shares, sum(shares)]).encode())


def double(source, sink, parameters):
    for line in source:
        sink.write(b"%d\n" % (2 * int(line)))
