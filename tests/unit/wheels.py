"""Wheels made by hand, and their lines of a lock file: pip finds them in a folder, and asks nobody else."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

IMAGE_TAG = "cp313-cp313-manylinux_2_28_x86_64"


def make_wheel(folder: Path, name: str, files: Mapping[str, str], tag: str = "py3-none-any") -> str:
    """Write a wheel of version 1.0 into a folder; return its line of a lock file, without a line's end."""
    path, about = folder / f"{name}-1.0-{tag}.whl", f"{name}-1.0.dist-info"
    facts = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{about}/RECORD": "",
    }
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, **facts}.items():
            archive.writestr(zipfile.ZipInfo(file), text)  # without a time: of equal files the same
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def use_folder_alone(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have pip look for wheels in a folder, and nowhere else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
