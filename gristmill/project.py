"""Where the project's own files lie: template, state machine, functions, pipelines and the code.

A checkout that you stand in goes first, so that an installed `gristmill` runs and deploys what you are working on;
then the folder of the package itself: a checkout, or what the wheel has brought.
"""

import os
import stat
from importlib.resources import files
from pathlib import Path

from gristmill.errors import Refused

TEMPLATE = "template.yaml"
SEARCH_PATH = "GRISTMILL_PIPELINES"  # the variable that lists more folders with pipelines
_MARKS = (
    *(TEMPLATE, "samconfig.toml", "statemachines/pipeline.asl.yaml"),
    *("functions/split/app.py", "gristmill/__init__.py", "batch_jobs/__init__.py"),
)
_BROUGHT = "_project"  # in the package: the files that the wheel brings along; see pyproject.toml


def working_folder() -> Path:
    """Return the folder that the user stands in; Refused where it is gone."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise Refused(["the working folder is gone"], "Change to another, or name one by GRISTMILL_HOME.") from error


def source_folder(here: Path) -> Path:
    """Return the folder that holds the packages, for someone who stands in `here`."""
    above = (folder for folder in (here, *here.parents) if is_checkout(folder) and _is_safe(folder))
    return next(above, package_folder())


def project_folder(here: Path) -> Path:
    """Return the folder that holds template, state machine and functions, for someone who stands in `here`."""
    source = source_folder(here)
    return source if is_checkout(source) else source / "gristmill" / _BROUGHT


def package_folder() -> Path:
    """Return the folder that holds this package: the root of a checkout, or `site-packages`."""
    return Path(str(files("gristmill"))).parent


def is_checkout(folder: Path) -> bool:
    """Return whether a folder is a checkout of Gristmill."""
    return all((folder / mark).is_file() for mark in _MARKS)


def _is_safe(folder: Path) -> bool:
    """Return whether only its user can write to a folder: code from any other is not run for standing below it."""
    info = folder.stat()
    return info.st_uid == os.getuid() and not info.st_mode & stat.S_IWOTH
