"""Modules of a built-in pipeline that another pipeline imports: they travel with that one's code, and its digest has
them, so no run reads them from an image or a layer that may be another's by then.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from gristmill.code.digest import CodeFile, read_folder
from gristmill.code.imports import imports
from gristmill.pipeline.loading import BUILT_IN_NAME
from gristmill.pipeline.model import Pipeline


def with_shared(files: Sequence[CodeFile], pipeline: Pipeline, built_in: Path) -> list[CodeFile]:
    """Return a pipeline's files with the modules of built-in pipelines that they, or its functions, name.

    They lie where their import looks for them first: in a package of the same name in the pipeline's folder.
    """
    if any(file.path.startswith(f"{BUILT_IN_NAME}/") for file in files):
        return list(files)
    shared: dict[str, list[CodeFile]] = {}
    wanted = {*_named(pipeline), *_imported(files)}
    while missing := sorted(wanted - shared.keys()):
        for name in missing:
            shared[name] = _modules(built_in, name)
            wanted |= _imported(shared[name])
    found = [file for modules in shared.values() for file in modules]
    package = [CodeFile(f"{BUILT_IN_NAME}/__init__.py", False, b"")] if found else []
    return [*files, *package, *found]


def _imported(files: Sequence[CodeFile]) -> set[str]:
    """Return the built-in pipelines whose modules files import."""
    found = (item for file in files if file.path.endswith(".py") for item in imports(file))
    absolute = [item for item in found if not item.level and item.top == BUILT_IN_NAME]
    inner = {item.name.split(".")[1] for item in absolute if "." in item.name}
    return inner | {name for item in absolute if item.name == BUILT_IN_NAME for name in item.names}


def _named(pipeline: Pipeline) -> Iterator[str]:
    """Yield the built-in pipelines whose functions a pipeline names."""
    modules = (reference.partition(":")[0].split(".") for reference in pipeline.functions)
    yield from (module[1] for module in modules if module[0] == BUILT_IN_NAME and len(module) > 1)


def _modules(built_in: Path, name: str) -> list[CodeFile]:
    folder = built_in / name
    files = read_folder(folder) if folder.is_dir() else []  # else the import itself says what is missing
    return [
        CodeFile(f"{BUILT_IN_NAME}/{name}/{file.path}", file.executable, file.content)
        for file in files
        if file.path.endswith(".py")
    ]
