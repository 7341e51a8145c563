"""An installed `gristmill` needs no checkout; it puts one that a user stands in first, and notices an upgrade."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gristmill import __version__
from tests.wheel.built import Built, Installed, built

NEXT = "99.0.0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the empty folder that a user works in."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def local(installed: Installed, folder: Path) -> Iterator[Installed]:
    """Start the embedded AWS, and deploy."""
    installed.run("local", "up", "--port", "0", cwd=folder)
    try:
        outputs = json.loads(installed.run("deploy", "--json", cwd=folder).stdout)["outputs"]
        assert outputs["BucketName"]
        yield installed
    finally:
        installed.run("local", "down", cwd=folder)


def test_it_tells_its_version_and_the_pipelines_that_it_has(installed: Installed, tmp_path: Path) -> None:
    assert installed.run("--version", cwd=tmp_path).stdout == f"gristmill {__version__}\n"
    pipelines = json.loads(installed.run("pipelines", "list", "--json", cwd=tmp_path).stdout)
    assert {"strings", "heat", "proteins"} <= {pipeline["name"] for pipeline in pipelines}
    assert "strings: sound" in installed.run("pipelines", "validate", "strings", cwd=tmp_path).stdout
    assert list(tmp_path.iterdir()) == []


def test_a_run_succeeds(local: Installed, folder: Path) -> None:
    (folder / "words.txt").write_text("".join(f"{number}\n" for number in range(100)))
    run = json.loads(local.run("run", "strings", "words.txt", "--json", cwd=folder).stdout)
    (reverse,) = [result["file"] for result in run["results"] if result["key"].endswith("/reverse.txt")]
    assert sorted(line[::-1] for line in Path(reverse).read_text().split()) == sorted(map(str, range(100)))


def test_a_new_pipeline_is_tried_and_run_there(local: Installed, folder: Path) -> None:
    made = json.loads(local.run("new", "mine", "--json", cwd=folder).stdout)
    sample = str(Path(made["folder"]) / "sample.txt")
    assert "pipelines/mine" in made["folder"]
    for words in (("validate", "mine"), ("try", "mine", sample), ("run", "mine", sample)):
        command = ("pipelines", *words) if words[0] == "validate" else words
        local.run(*command, cwd=folder, GRISTMILL_PIPELINES=str(folder / "pipelines"))


def test_a_checkout_that_a_user_stands_in_goes_first(product: Built, installed: Installed, tmp_path: Path) -> None:
    checkout = product.unpack(tmp_path)
    (checkout / "batch_jobs" / "strings").rename(checkout / "batch_jobs" / "texts")
    definition = checkout / "batch_jobs" / "texts" / "pipeline.yaml"
    definition.write_text(re.sub("^name: strings$", "name: texts", definition.read_text(), flags=re.MULTILINE))
    (checkout / "words.txt").write_text("a\nb\n")
    names = {
        pipeline["name"] for pipeline in json.loads(installed.run("pipelines", "list", "--json", cwd=checkout).stdout)
    }
    assert "texts" in names
    assert "strings" not in names
    installed.run("local", "up", "--port", "0", cwd=checkout)
    try:
        installed.run("deploy", cwd=checkout)
        installed.run("run", "texts", "words.txt", cwd=checkout)
    finally:
        installed.run("local", "down", cwd=checkout)


def test_an_upgrade_under_a_running_embedded_aws_is_pointed_out(
    product: Built, local: Installed, folder: Path, tmp_path: Path
) -> None:
    assert "was started by" not in local.run("runs", cwd=folder).stderr
    source = product.unpack(tmp_path)
    (source / "PKG-INFO").unlink()  # else it tells the version
    home = source / "gristmill" / "__init__.py"
    home.write_text(home.read_text().replace(f'"{__version__}"', f'"{NEXT}"'))
    local.pip("--no-deps", str(built(source, tmp_path / "dist").wheel))
    try:
        shown = local.run("runs", cwd=folder).stderr
        assert f"This is gristmill {NEXT}, but the embedded AWS was started by gristmill {__version__}." in shown
        assert shown.count("gristmill local down && gristmill local up") == 1
    finally:
        local.pip("--no-deps", str(product.wheel))
