"""The deployed template on an embedded AWS, and the tools by which the pipeline's numbers are computed once more."""

import shutil

import pytest

from tests.integration.conftest import mill

__all__ = ["mill"]
TOOLS = ("minimap2", "samtools", "bcftools")


def pytest_collection_modifyitems() -> None:
    """Fail at once where a tool is not installed: no test is passed over."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise pytest.UsageError(f"not installed: {', '.join(missing)}. Run: apt-get install {' '.join(TOOLS)}")
