"""The embedded AWS of the integration tests, for those that attack it."""

from tests.integration.conftest import mill  # noqa: F401 - a fixture
