"""The wheel and the source archive, as any front end builds them, and an environment of its own for the wheel."""

import os
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.project import PROJECT

_PIN = re.compile(r"^([A-Za-z0-9._-]+==[^\\#]+?) *\\?$", re.MULTILINE)


@dataclass(frozen=True)
class Built:
    """A wheel, and the source archive beside it."""

    wheel: Path
    archive: Path

    def unpack(self, folder: Path) -> Path:
        """Unpack the source archive; return its folder."""
        with tarfile.open(self.archive) as archive:
            archive.extractall(folder, filter="data")
        return folder / self.archive.name.removesuffix(".tar.gz")


def build(source: Path, folder: Path, *kinds: str) -> Path:
    """Build what is wanted of a source folder, by default the archive and from that the wheel."""
    command = [sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder


def built(source: Path, folder: Path) -> Built:
    """Build the source archive, and from it the wheel."""
    (archive,) = build(source, folder).glob("*.tar.gz")
    return Built(next(folder.glob("*.whl")), archive)


@dataclass(frozen=True)
class Installed:
    """An environment with nothing but the wheel and what it asks for; commands run in a folder of the user's own."""

    environment: Path
    home: Path

    def run(self, *words: str, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run `gristmill` of this environment, with more variables."""
        variables = {"PATH": f"{self.environment / 'bin'}:/usr/bin:/bin", "HOME": str(self.home), **more}
        done = subprocess.run(
            [self.environment / "bin" / "gristmill", *words],
            cwd=cwd,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def pip(self, *words: str) -> None:
        """Run `pip install` in this environment."""
        command = [self.environment / "bin" / "python", "-m", "pip", "install", "--quiet", *words]
        subprocess.run(command, cwd=self.home, env={**os.environ, "PYTHONPATH": ""}, check=True)


def install(wheel: Path, folder: Path) -> Installed:
    """Install a wheel with its extras `cli` and `local` into a new environment, in the versions of the lock file."""
    environment, home = folder / "environment", folder / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pins = folder / "constraints.txt"
    pins.write_text("\n".join(_PIN.findall((PROJECT / "requirements" / "dev.lock").read_text())))
    installed = Installed(environment, home)
    installed.pip("--constraint", str(pins), f"gristmill[cli,local] @ {wheel.as_uri()}")
    return installed
