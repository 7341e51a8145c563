"""The rooms of the code: who may import whom, and whether the page of the architecture shows the tree as it is."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.project import PROJECT

PAGE = (PROJECT / "docs" / "architecture.md").read_text()
(TREE,) = re.findall(r"^## Where to find what\n+```\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
CONTRACTS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = [room.strip() for layer in CONTRACTS[0]["layers"] for room in re.split("[:|]", layer)]


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("gristmill", "embedded_aws", "process_tree", "batch_jobs", "functions"):
        for file in sorted((PROJECT / top).rglob("*.py")):
            yield ".".join(file.relative_to(PROJECT).with_suffix("").parts), file


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from [f"{node.module}.{name.name}" for name in node.names]
        elif isinstance(node, ast.Import):
            yield from [name.name for name in node.names]


def test_the_page_lists_the_rooms_in_the_order_that_the_linter_holds():
    rooms = re.findall(r"^\| `(gristmill\.\w+)` \|", PAGE, re.MULTILINE)
    assert rooms == [layer for layer in LAYERS if layer in rooms]
    folders = {f"gristmill.{folder.name}" for folder in below("gristmill")}
    assert set(rooms) == folders


def test_the_linter_knows_every_room_and_every_file_of_the_ground_floor():
    files = {f"gristmill.{file.stem}" for file in (PROJECT / "gristmill").glob("*.py") if file.stem != "__init__"}
    folders = {f"gristmill.{folder.name}" for folder in below("gristmill")}
    assert files | folders == set(LAYERS)


def test_the_page_shows_every_folder_and_every_file_of_the_core():
    folders = [
        item.name
        for top in ("gristmill", "embedded_aws", "embedded_aws/services", "batch_jobs", "tests")
        for item in below(top)
    ]
    files = [file.name for file in (PROJECT / "gristmill").glob("*.py") if file.name != "__init__.py"]
    assert [name for name in folders if f"{name}/" not in TREE] == []
    assert [name for name in files if name not in TREE] == []


def test_the_page_shows_nothing_that_is_not_there():
    there = {
        file.name
        for top in ("gristmill", "embedded_aws", "batch_jobs", "statemachines")
        for file in (PROJECT / top).rglob("*")
    }
    there |= {file.name for folder in (PROJECT, PROJECT / "tests") for file in folder.iterdir()}
    named = re.findall(r"([\w-]+)/|([\w.-]+\.(?:py|yaml|toml))\b", TREE)
    assert [name for pair in named for name in pair if name and name not in there] == []


def below(folder: str) -> list[Path]:
    """Return the folders in a folder; what Python leaves behind where one was is none."""
    return [
        item
        for item in (PROJECT / folder).iterdir()
        if any(file.suffix not in ("", ".pyc") for file in item.rglob("*"))
    ]


def test_nothing_waits_by_select_which_ends_at_the_1024th_open_file():
    assert [module for module, file in modules() if "select.select" in set(called(file))] == []


def called(file: Path) -> Iterator[str]:
    calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    yield from (ast.unparse(node.func) for node in calls)
