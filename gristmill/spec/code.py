"""Finding a pipeline's code: modules of its own folder, under a package name that shadows nothing."""

import importlib
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gristmill.errors import Refused

_PACKAGE = "gristmill_pipelines"


def load_callable(reference: str, pipeline: str, roots: Sequence[Path]) -> Callable[..., Any]:
    """Return the function that `module:function` names; Refused if module or function is missing.

    The module is looked for in the pipeline's own folder, then among the installed ones.
    """
    module, _, function = reference.partition(":")
    found = getattr(_import(module, pipeline, roots), function, None)
    if not callable(found):
        raise Refused([f"pipeline {pipeline}: run: {reference}: module {module} has no function {function}"])
    return found  # type: ignore[no-any-return]


def _import(module: str, pipeline: str, roots: Sequence[Path]) -> types.ModuleType:
    folder = next((root / pipeline for root in roots if (root / pipeline / "pipeline.yaml").is_file()), None)
    own = folder is not None and (
        (folder / f"{module.partition('.')[0]}.py").is_file() or (folder / module.partition(".")[0]).is_dir()
    )
    try:
        if own and folder:
            return importlib.import_module(f"{_package(pipeline, folder)}.{module}")
        return importlib.import_module(module)
    except ImportError as error:
        raise Refused([f"pipeline {pipeline}: run: {module}: {error}"]) from error


def _package(pipeline: str, folder: Path) -> str:
    """Make the pipeline's folder a package, so that its modules can import each other."""
    name = f"{_PACKAGE}.{pipeline.replace('-', '_')}"
    for one, path in ((_PACKAGE, []), (name, [str(folder)])):
        if one not in sys.modules:
            package = types.ModuleType(one)
            package.__path__ = path
            sys.modules[one] = package
    return name
