"""The rooms of the code: who may import whom, and whether the page of the architecture shows the tree as it is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.lifecycle.daemon import PROJECT

PAGE = (PROJECT / "docs" / "architecture.md").read_text()
(TREE,) = re.findall(r"^## Where to find what\n+```\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
MAY_IMPORT = {
    "core": {"core"},
    "client": {"core", "client", "child"},
    "cli": {"core", "client", "cli", "local"},
    "local": {"core", "local", "client"},
    "functions": {"core"},
    "child": {"core", "child"},
    "node": {"core", "child", "node"},
    "command": {"core", "command"},
}
# what the embedded AWS may know: how it is looked for, and how it proves itself
OF_THE_CLIENT = {f"gristmill.client.{name}" for name in ("processes", "server_proof", "server_state")}


def room(module: str) -> str:
    """Return the room of a module of the project; empty for a pipeline's, and for those of others."""
    top, *below = module.split(".")
    if top == "gristmill":
        return below[0] if below[:1] in (["client"], ["cli"], ["local"]) else "core"
    if top == "batch_jobs":
        return below[0] if below[:1] in (["child"], ["node"], ["command"]) else ""
    return top if top == "functions" else ""


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("gristmill", "batch_jobs", "functions"):
        for file in sorted((PROJECT / top).rglob("*.py")):
            yield ".".join(file.relative_to(PROJECT).with_suffix("").parts), file


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from [f"{node.module}.{one.name}" for one in node.names]
        elif isinstance(node, ast.Import):
            yield from [one.name for one in node.names]


@pytest.mark.parametrize("here", MAY_IMPORT)
def test_a_room_imports_what_it_may(here: str):
    seen = {(module, other) for module, file in modules() if room(module) == here for other in imported(file)}
    assert seen
    assert [pair for pair in sorted(seen) if room(pair[1]) and room(pair[1]) not in MAY_IMPORT[here]] == []


def test_the_embedded_aws_knows_of_the_client_where_it_is_looked_for_and_nothing_else():
    seen = {
        other.rpartition(".")[0]
        for module, file in modules()
        for other in imported(file)
        if room(module) == "local" and room(other) == "client"
    }
    assert seen == OF_THE_CLIENT


def test_the_page_shows_every_folder_and_every_file_of_the_core():
    folders = [one.name for top in ("gristmill", "gristmill/local", "batch_jobs", "tests") for one in below(top)]
    files = [one.name for one in (PROJECT / "gristmill").glob("*.py") if one.name != "__init__.py"]
    assert [name for name in folders if f"{name}/" not in TREE] == []
    assert [name for name in files if name not in TREE] == []


def test_the_page_shows_nothing_that_is_not_there():
    there = {one.name for top in ("gristmill", "batch_jobs", "statemachines") for one in (PROJECT / top).rglob("*")}
    there |= {one.name for folder in (PROJECT, PROJECT / "tests") for one in folder.iterdir()}
    named = re.findall(r"([\w-]+)/|([\w.-]+\.(?:py|yaml|toml))\b", TREE)
    assert [name for pair in named for name in pair if name and name not in there] == []


def below(folder: str) -> list[Path]:
    """Return the folders in a folder; what Python leaves behind where one was is none."""
    return [
        one for one in (PROJECT / folder).iterdir() if any(file.suffix not in ("", ".pyc") for file in one.rglob("*"))
    ]


def test_nothing_waits_by_select_which_ends_at_the_1024th_open_file():
    assert [module for module, file in modules() if "select.select" in set(called(file))] == []


def called(file: Path) -> Iterator[str]:
    calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    yield from (ast.unparse(node.func) for node in calls)
