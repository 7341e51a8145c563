"""Modules of a pipeline's folder import each other in every way that Python has, and are seen by nothing else."""

import sys
from pathlib import Path

import pytest

from gristmill.cli import main
from gristmill.errors import ExitCode, Refused
from gristmill.pipeline.code import PipelineCode

YAML = """version: 1
name: {name}
description: d
stages:
  - name: only
    split: {{records: whole}}
    branches:
      - name: made
        run: jobs:make
"""
IMPORTS = {
    "import helper": "helper.who",
    "import helper as h": "h.who",
    "from helper import who": "who",
    "from helper import *": "who",
    "from . import helper": "helper.who",
    "from .helper import who": "who",
    "import library.inner": "library.inner.who",
    "import library.inner as inner": "inner.who",
    "from library import inner": "inner.who",
    "from library.inner import who": "who",
    "import plain.inner": "plain.inner.who",
    "from plain import inner": "inner.who",
    "import second": "second.who",
    "import queue": "queue.who",
}


def write(root: Path, name: str, jobs: str, who: str = "helper") -> None:
    """Write a pipeline whose modules lie beside each other; two of them are called as modules of Python are."""
    files = {
        "pipeline.yaml": YAML.format(name=name),
        "jobs.py": jobs,
        "helper.py": f"who = {who!r}\n",
        "queue.py": "import helper\nwho = helper.who\n",
        "second.py": "import helper\nwho = helper.who\n",
        "library/__init__.py": "",
        "library/inner.py": "import helper\nwho = helper.who\n",
        "plain/inner.py": "from helper import who\n",
        "yaml/notes.txt": "no code\n",
    }
    for path, text in files.items():
        file = root / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.mark.parametrize("lazily", [False, True])
@pytest.mark.parametrize("statement", IMPORTS)
def test_every_way_to_import_a_sibling(tmp_path: Path, statement: str, lazily: bool) -> None:
    name = f"p{list(IMPORTS).index(statement)}-{lazily:d}"
    inside = f"    {statement}\n" if lazily and "*" not in statement else ""
    top = "" if inside else statement
    jobs = f"{top}\nimport yaml\ndef make():\n{inside}    return {IMPORTS[statement]}, yaml.safe_load\n"
    write(tmp_path, name, jobs, who=name)
    who, safe_load = PipelineCode(name, tmp_path / name).load("jobs:make")()
    import yaml

    assert (who, safe_load) == (name, yaml.safe_load)


def test_pipelines_with_modules_of_one_name_keep_apart_and_hide_nothing(tmp_path: Path) -> None:
    before = list(sys.path)
    for name in ("left", "right"):
        write(tmp_path, name, "import helper, queue\ndef make():\n    return helper.who, queue.who\n", who=name)
    assert [PipelineCode(name, tmp_path / name).load("jobs:make")() for name in ("left", "right")] == [
        ("left", "left"),
        ("right", "right"),
    ]
    import queue

    assert queue.Queue
    assert "helper" not in sys.modules
    assert sys.path == before


def test_folders_of_one_name_give_each_its_own_code(tmp_path: Path) -> None:
    for place in ("here", "there"):
        write(tmp_path / place, "same", "import helper\ndef make():\n    return helper.who\n", who=place)
    codes = [PipelineCode("same", tmp_path / place / "same") for place in ("here", "there")]
    assert [code.load("jobs:make")() for code in codes] == ["here", "there"]


def test_folder_that_was_edited_gives_its_code_as_it_is_now(tmp_path: Path) -> None:
    for who in ("first", "other"):  # of one length, within a second
        write(tmp_path, "edited", "import helper\ndef make():\n    return helper.who\n", who=who)
        assert PipelineCode("edited", tmp_path / "edited").load("jobs:make")() == who


def test_functions_of_one_code_share_their_modules(tmp_path: Path) -> None:
    write(tmp_path, "shared", "import helper\ndef make():\n    return helper\n")
    code = PipelineCode("shared", tmp_path / "shared")
    assert code.load("jobs:make")() is code.load("jobs:make")()


def test_a_sibling_that_does_not_load_is_told_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, "broken", "import helper\ndef make(): ...\n")
    (tmp_path / "broken" / "helper.py").write_text("x = 1\nraise ValueError('so')\n")
    with pytest.raises(Refused, match=r"jobs: ValueError: so \(helper.py, line 2\)"):
        PipelineCode("broken", tmp_path / "broken").load("jobs:make")


def test_what_is_neither_a_sibling_nor_installed_is_told_alike_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "lacking", "import nowhere_at_all\ndef make(): ...\n")
    monkeypatch.setenv("GRISTMILL_PIPELINES", str(tmp_path))
    (tmp_path / "file").write_text("x")
    text = "pipeline lacking: jobs needs nowhere_at_all, which is neither installed here nor a module of the pipeline's"
    assert main.call(["pipelines", "validate", "lacking"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "lacking: sound, but its jobs cannot run on this machine\n"
    assert text in printed.err
    assert main.call(["try", "lacking", str(tmp_path / "file")]) == ExitCode.REFUSED
    assert text in capsys.readouterr().err
