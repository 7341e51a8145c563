"""The wheel is built once, and installed once."""

import pytest

from tests.project import PROJECT
from tests.wheel.built import Built, Installed, built, install


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(PROJECT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def installed(product: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(product.wheel, tmp_path_factory.mktemp("installed"))
