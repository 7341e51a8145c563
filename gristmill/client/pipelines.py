"""Where a user's pipelines lie."""

import os
from pathlib import Path

from gristmill.pipeline.loading import roots
from gristmill.project import source_folder, working_folder


def pipeline_folders() -> list[Path]:
    """Return the folders that hold pipelines: the project's own, then those of GRISTMILL_PIPELINES."""
    return roots(os.environ, source_folder(working_folder()))
