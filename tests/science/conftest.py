"""The embedded AWS and the deployed template, as the integration tests have them."""

from tests.integration.conftest import mill

__all__ = ["mill"]
