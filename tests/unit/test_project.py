"""Whose files are run and deployed: those of the checkout that a user stands in, else those of the package."""

from pathlib import Path

import pytest

from gristmill import project
from gristmill.project import package_folder, project_folder, source_folder
from tests.project import PROJECT


def checkout(folder: Path) -> Path:
    for mark in project._MARKS:
        (folder / mark).parent.mkdir(parents=True, exist_ok=True)
        (folder / mark).touch()
    folder.chmod(0o755)
    return folder


def test_a_checkout_goes_first_from_every_folder_in_it(tmp_path: Path) -> None:
    root = checkout(tmp_path / "work")
    (root / "data" / "deep").mkdir(parents=True)
    for here in (root, root / "data" / "deep"):
        assert source_folder(here) == root
        assert project_folder(here) == root


def test_elsewhere_the_package_brings_its_own(tmp_path: Path) -> None:
    assert source_folder(tmp_path) == package_folder() == PROJECT
    assert project_folder(tmp_path) == PROJECT


def test_an_installed_package_has_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "package_folder", lambda: tmp_path / "site-packages")
    assert source_folder(tmp_path) == tmp_path / "site-packages"
    assert project_folder(tmp_path) == tmp_path / "site-packages" / "gristmill" / "_project"


@pytest.mark.parametrize("mark", project._MARKS)
def test_a_folder_that_lacks_a_part_is_no_checkout(mark: str, tmp_path: Path) -> None:
    root = checkout(tmp_path / "work")
    (root / mark).unlink()
    assert source_folder(root) == PROJECT


def test_nobody_runs_the_code_of_others_for_standing_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_to_all = checkout(tmp_path / "open")
    open_to_all.chmod(0o777)
    assert source_folder(open_to_all) == PROJECT
    root = checkout(tmp_path / "work")
    monkeypatch.setattr(project.os, "getuid", lambda: root.stat().st_uid + 1)
    assert source_folder(root) == PROJECT
