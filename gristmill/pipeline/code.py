"""Finding a pipeline's code: modules of its own folder, under a package name that shadows nothing."""

import importlib
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from gristmill.errors import Refused
from gristmill.pipeline.own_modules import is_own, new_package


class Lacking(Refused):
    """Raised when a pipeline's code is there, but a library that it needs is not installed here."""


@dataclass(frozen=True)
class PipelineCode:
    """The code in a pipeline's folder as it is now: another one of the same name or folder shares no module with it."""

    pipeline: str
    folder: Path

    def load(self, reference: str) -> Callable[..., Any]:
        """Return the function that `module:function` names; Refused if that is missing, or does not load.

        The module is looked for in the pipeline's own folder, then among the installed ones.
        """
        module, _, function = reference.partition(":")
        name = f"{self._package}.{module}" if is_own(self.folder, module) else module
        found = getattr(_import(name, module, self.pipeline), function, None)
        if not callable(found):
            raise Refused([f"pipeline {self.pipeline}: {reference}: module {module} has no function {function}"])
        return found  # type: ignore[no-any-return]

    @cached_property
    def _package(self) -> str:
        return new_package(self.pipeline, self.folder)


def _import(name: str, module: str, pipeline: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and not f"{name}.".startswith(f"{error.name}."):
            lacking = f"{error.name}, which is neither installed here nor a module of the pipeline's folder"
            raise Lacking([f"pipeline {pipeline}: {module} needs {lacking}."], _mend(pipeline)) from error
        raise Refused([f"pipeline {pipeline}: {module}: {error}"]) from error
    except (Exception, SystemExit) as error:  # a module may raise anything as it loads
        raise Refused([f"pipeline {pipeline}: {module}: {_describe(error)}"]) from error


def _mend(pipeline: str) -> str:
    """Return how to install what a pipeline needs: as the extra of its name, where the project has one."""
    try:
        extras = metadata("gristmill").get_all("Provides-Extra") or []
    except PackageNotFoundError:  # an image has the sources alone
        extras = []
    if pipeline in extras:
        return f"Run: pip install 'gristmill[{pipeline}]' (in a clone: pip install -e '.[{pipeline}]')."
    return "Install it into the environment that runs the pipeline's jobs."


def _describe(error: BaseException) -> str:
    """Return an error of a module as it loads, with the place in it."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    ends = "it ends the program as it loads, " if isinstance(error, SystemExit) else ""
    return f"{ends}{type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})"
