"""What the code of a folder imports from outside, which would not travel: found by reading, not by running."""

import importlib.util
import site
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path, PurePosixPath

from gristmill.code.digest import CodeFile
from gristmill.code.imports import Import, imports
from gristmill.pipeline.loading import FILE

_PUBLIC = "gristmill"  # every job has it
_OURS = {"batch_jobs", "embedded_aws", "process_tree"}  # of the project, but no library of it


def outside(files: Sequence[CodeFile], folder: Path, functions: Sequence[str] = ()) -> list[str]:
    """Return what is imported from elsewhere than the folder, Python or an installed library, each with its place.

    `functions` are those that its pipeline.yaml names.
    """
    paths = {file.path for file in files}
    found = [item for file in files if file.path.endswith(".py") for item in imports(file)]
    found += [item for file in files if file.path == FILE for item in _named(file, functions)]
    faults = ((item, _where(item, paths, folder)) for item in found)
    return [
        f"{folder.name}/{item.file}:{item.line}: {item.spelled} is imported from outside the folder ({where})"
        for item, where in faults
        if where
    ]


def _named(file: CodeFile, functions: Sequence[str]) -> Iterator[Import]:
    lines = file.content.decode().splitlines()
    for function in dict.fromkeys(functions):
        line = next((number for number, text in enumerate(lines, 1) if function in text), 1)
        yield Import(file.path, line, function.partition(":")[0])


def _where(item: Import, paths: set[str], folder: Path) -> str:
    """Return where a module lies that is outside, nothing where it is inside, a library, or not here at all."""
    above = [parent.as_posix() for parent in PurePosixPath(item.file).parents]  # the last is `.`, the folder itself
    if item.level > len(above):
        return "above it"
    if item.level or any(_is_at(place, item.top, paths) for place in above) or item.top == _PUBLIC:
        return ""
    if item.top in _OURS:
        return "Gristmill's own code"
    spec = _find(item.top, folder)
    places = _places(spec) if spec else []
    return next((str(place) for place in places if not _is_library(place)), "")


def _is_at(place: str, name: str, paths: set[str]) -> bool:
    head = "" if place == "." else f"{place}/"
    return any(path.startswith((f"{head}{name}/", f"{head}{name}.")) for path in paths)


def _find(name: str, folder: Path) -> ModuleSpec | None:
    """Return where a module would come from here, or beside the folder; nothing is imported."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # __main__ and others that were made by hand
        return None
    return found or PathFinder.find_spec(name, [str(folder.parent)])


def _places(spec: ModuleSpec) -> list[Path]:
    if spec.origin in ("built-in", "frozen"):
        return []
    origins = [spec.origin] if spec.origin else list(spec.submodule_search_locations or [])
    return [Path(origin).resolve() for origin in origins]


def _is_library(place: Path) -> bool:
    return any(place.is_relative_to(root) for root in _libraries())


@cache
def _libraries() -> list[Path]:
    """Return the folders that hold Python's own modules and those that are installed."""
    own = [sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")]
    return [Path(root).resolve() for root in (*own, *site.getsitepackages(), site.getusersitepackages())]
