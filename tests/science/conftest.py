"""The deployed template on an embedded AWS, as the integration tests and those of MPI have it."""

import os
import sys

import pytest

from tests.integration.conftest import mill
from tests.mpi.conftest import hosts, mpi_mill

__all__ = ["hosts", "mill", "mpi_mill"]
_ENDED = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep how the tests ended."""
    session.config.stash[_ENDED] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Exit as the tests ended, without C's exit handlers.

    A process that has used PoCL beside the other libraries of all these files crashes in them; each by itself does not.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if _ENDED in config.stash and not hasattr(config, "workerinput"):
        os._exit(config.stash[_ENDED])
