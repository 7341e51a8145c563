"""Where the project's own files lie: template, state machine, functions, pipelines.

A checkout that you stand in goes first, so that an installed `gristmill` deploys what you are working on; then the
checkout that the package itself lies in; else what the wheel carries.
"""

from importlib.resources import files
from pathlib import Path

TEMPLATE = "template.yaml"
_MARKS = (TEMPLATE, "samconfig.toml", "statemachines/pipeline.asl.yaml", "functions/split/app.py")
_CARRIED = "_project"


def project_folder(here: Path) -> Path:
    """Return the folder with the template for someone who stands in `here`."""
    source = package_folder()
    for folder in (here, *here.parents, source):
        if is_checkout(folder):
            return folder
    return Path(str(files("gristmill"))) / _CARRIED


def package_folder() -> Path:
    """Return the folder that holds the packages: the root of a checkout, or `site-packages`."""
    return Path(str(files("gristmill"))).parent


def is_checkout(folder: Path) -> bool:
    """Tell whether a folder is a checkout of Gristmill."""
    return all((folder / mark).is_file() for mark in _MARKS)
