"""The deployed template on an embedded AWS, as the integration tests have it."""

from tests.integration.conftest import mill

__all__ = ["mill"]
