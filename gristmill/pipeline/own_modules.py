"""Modules of a pipeline's folder, imported under a package of their own.

They can import each other as programs do that lie side by side (`import helper`), and as modules of a package do
(`from . import helper`). No other code sees them: a pipeline's `queue.py` is no library's `queue`, nor another
pipeline's.
"""

import builtins
import importlib
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from itertools import chain, count
from pathlib import Path
from typing import Any

_PACKAGE = "gristmill_pipelines"


def new_package(pipeline: str, folder: Path) -> str:
    """Make the pipeline's folder, as it is now, a package; return its name, which no other one has.

    The first of a pipeline is called as the pipeline, so that what a job pickles can be read in other processes.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    _add(_PACKAGE, [])
    first = f"{_PACKAGE}.{pipeline.replace('-', '_')}"
    free = (name for name in chain([first], (f"{first}_{nth}" for nth in count(2))) if name not in sys.modules)
    return _add(next(free), [str(folder)])


def _add(name: str, path: list[str]) -> str:
    if name not in sys.modules:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = path
    return name


def is_own(folder: Path, module: str) -> bool:
    """Return whether a module, or the package that it is in, lies in a pipeline's folder."""
    top = folder / module.partition(".")[0]
    return top.with_name(f"{top.name}.py").is_file() or next(top.glob("*.py"), None) is not None


class _Finder:
    """Finds modules of pipelines; folders without `__init__.py` are left to Python's own finder."""

    def find_spec(self, name: str, path: Sequence[str] | None, _target: Any = None) -> ModuleSpec | None:
        """Return how to load a module of a pipeline, None for any other."""
        if not name.startswith(f"{_PACKAGE}.") or name.count(".") == 1:
            return None
        loaders = (_Loader, SOURCE_SUFFIXES), (ExtensionFileLoader, EXTENSION_SUFFIXES)
        found = (FileFinder(folder, *loaders).find_spec(name) for folder in path or ())
        return next((spec for spec in found if spec and spec.loader), None)


class _Loader(SourceFileLoader):
    """Loads a module whose import statements look into its pipeline's folder first."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the module."""
        name = ".".join(module.__name__.split(".")[:2])
        folder = Path(sys.modules[name].__path__[0])
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _OwnImport(name, folder)}
        super().exec_module(module)


@dataclass(frozen=True)
class _OwnImport:
    """What `import` calls in a pipeline's modules."""

    package: str
    folder: Path

    def __call__(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - as Python calls it
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        """Return a module as `__import__` does: the top one for `import a.b`, else `a.b` itself."""
        if level or not is_own(self.folder, name):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        if fromlist:
            return builtins.__import__(f"{self.package}.{name}", globals, locals, fromlist)
        importlib.import_module(f"{self.package}.{name}")
        return sys.modules[f"{self.package}.{name.partition('.')[0]}"]
