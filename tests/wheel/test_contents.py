"""What the wheel holds and says of itself."""

import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from gristmill import __version__
from tests.project import PROJECT
from tests.wheel.built import Built, build

PACKAGES = {"gristmill", "embedded_aws", "process_tree", "batch_jobs"}
BROUGHT = ("template.yaml", "samconfig.toml", "statemachines/pipeline.asl.yaml", "functions/split/app.py")


@pytest.fixture(scope="module")
def contents(product: Built) -> dict[str, bytes]:
    return contents_of(product.wheel)


def contents_of(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(contents: dict[str, bytes]) -> Message:
    return message_from_bytes(contents[f"gristmill-{__version__}.dist-info/METADATA"])


def test_it_holds_the_packages_and_what_deploys_them_and_nothing_else(contents: dict[str, bytes]) -> None:
    assert {name.partition("/")[0] for name in contents} == {*PACKAGES, f"gristmill-{__version__}.dist-info"}
    assert {f"gristmill/_project/{name}" for name in BROUGHT} <= set(contents)
    assert {f"batch_jobs/{file.parent.name}/pipeline.yaml" for file in PROJECT.glob("batch_jobs/*/pipeline.yaml")} <= {
        *contents
    }
    unwanted = ("tests/", "__pycache__/", ".pyc", ".so", "/.")
    assert [name for name in contents if any(part in name for part in unwanted)] == []


def test_all_of_it_is_as_in_the_checkout(contents: dict[str, bytes]) -> None:
    own = {name: data for name, data in contents.items() if ".dist-info/" not in name}
    there = {name: (PROJECT / name.removeprefix("gristmill/_project/")).read_bytes() for name in own}
    assert own == there


def test_its_metadata_are_true(contents: dict[str, bytes]) -> None:
    about = metadata(contents)
    assert (about["Name"], about["Version"]) == ("gristmill", __version__)
    assert (about["License-Expression"], about["License-File"]) == ("Apache-2.0", "LICENSE")
    assert contents[f"gristmill-{__version__}.dist-info/licenses/LICENSE"] == (PROJECT / "LICENSE").read_bytes()
    assert about["Requires-Python"] == ">=3.11"
    assert about.get_payload(decode=True) == (PROJECT / "README.md").read_bytes()
    assert {"cli", "local", "functions"} <= set(about.get_all("Provides-Extra", []))


def test_it_says_that_it_is_typed(contents: dict[str, bytes]) -> None:
    assert "Typing :: Typed" in metadata(contents).get_all("Classifier", [])
    assert [name for name in sorted(PACKAGES - {"batch_jobs"}) if f"{name}/py.typed" not in contents] == []


def test_the_tree_and_the_source_archive_build_the_same_wheel(
    product: Built, contents: dict[str, bytes], tmp_path: Path
) -> None:
    (from_tree,) = build(PROJECT, tmp_path / "tree", "--wheel").glob("*.whl")
    assert from_tree.name == product.wheel.name
    assert contents_of(from_tree) == contents
