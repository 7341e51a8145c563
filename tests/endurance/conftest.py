"""An embedded AWS for each module: one is broken on purpose, the other is counted to the last file handle."""

from collections.abc import Iterator

import pytest

from embedded_aws.lifecycle import daemon
from gristmill.client import embedded
from tests.integration.conftest import PIPELINES, deployed
from tests.integration.mill import Mill


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    data = tmp_path_factory.mktemp("aws")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRISTMILL_PIPELINES", str(PIPELINES))
        state = embedded.up(data, ["--port", "0"])
    try:
        yield deployed(state.endpoint, data)
    finally:
        daemon.down(data)
