"""The embedded AWS of the integration tests, for what is too large or too long for every day."""

from tests.integration.conftest import mill

__all__ = ["mill"]
