"""The deployed template on an embedded AWS, as the integration tests and those of MPI have it."""

from tests.integration.conftest import mill
from tests.mpi.conftest import hosts, mpi_mill

__all__ = ["hosts", "mill", "mpi_mill"]
