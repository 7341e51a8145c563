"""The commands that the documents show, and why some of them are run elsewhere."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.project import PROJECT

_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.M | re.S)
_FILE = re.compile(r"^`(pipelines/[\w./-]+)`[^\n]*:\n\n```\w+\n(.*?)^```", re.M | re.S)

# (document, first command) -> why it is not run here
ELSEWHERE = {
    ("README.md", "make demo"): "a step of .ci/run",
    ("README.md", "make wheel"): "make test-wheel installs the wheel",
    ("README.md", "sam build"): "deploys on AWS",
    ("docs/operating.md", "sam build"): "deploys on AWS",
    ("docs/operating.md", "URI=$(aws cloudformation describe-stacks"): "pushes images to ECR",
    ("docs/operating.md", "aws ssm put-parameter"): "deploys on AWS",
    ("docs/operating.md", "aws sqs receive-message"): "the queue of an account",
    ("docs/operating.md", "aws s3 rm s3://BUCKET"): "the bucket of an account",
    ("docs/costs.md", "gristmill run strings words.txt --param max_cost"): "the bucket of an account",
    ("batch_jobs/images/README.md", "batch_jobs/images/build.sh"): "make test-containers builds the images",
    ("batch_jobs/tomography/README.md", "gristmill run tomography scan.nxs"): "a scan of a beamline's",
}


@dataclass(frozen=True)
class Block:
    """Commands that a document shows together."""

    document: str
    commands: str

    @property
    def elsewhere(self) -> tuple[str, str] | None:
        """Return the key of `ELSEWHERE` that says why the block is not run."""
        keys = (key for key in ELSEWHERE if key[0] == self.document and self.commands.startswith(key[1]))
        return next(keys, None)


def documents() -> list[Path]:
    """Return every document for people who use the project."""
    found = [PROJECT / "README.md", *(PROJECT / "docs").glob("*.md"), *(PROJECT / "batch_jobs").rglob("README.md")]
    return sorted(found)


def blocks(document: Path) -> Iterator[Block]:
    """Yield the blocks of a document; a line without a $ goes on with the command before it."""
    name = document.relative_to(PROJECT).as_posix()
    for text in _CONSOLE.findall(document.read_text()):
        assert text.startswith("$ "), f"{name}: a block must begin with a command: {text}"
        yield Block(name, re.sub(r"^\$ ", "", text, flags=re.M))


def files(document: Path) -> list[tuple[str, str]]:
    """Return the files that a document shows under their names."""
    return _FILE.findall(document.read_text())
