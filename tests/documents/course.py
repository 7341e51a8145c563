"""The lessons of the course: the files that they have a reader write, the commands to type, the output to expect."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.project import PROJECT

COURSE = PROJECT / "docs" / "pipelines"
ANYTHING = "…"
SKIPPED = "..."
STATUS = "echo $?"
_ID = re.compile(r"\b([0-9a-f]{16})\b")
_FILE = re.compile(r"^`([\w./-]+)`.*:$")

Ids = dict[str, str]  # the ids of runs as lessons show them -> those of this machine


@dataclass
class Step:
    """A file to write, or a command to type with the lines that it is to show."""

    line: int
    text: str
    file: str | None = None
    shown: list[str] = field(default_factory=list)

    def with_ids(self, ids: Ids) -> str:
        """Return the command with the runs of this machine; a lesson may name a run by its first 8 digits."""
        text = self.text
        for shown, found in ids.items():
            text = text.replace(shown, found).replace(shown[:8], found[:8])
        return text


@dataclass(frozen=True)
class Fence:
    """A fenced block, and the last line of text before it."""

    line: int
    language: str
    lines: list[str]
    before: str


def lessons() -> list[Path]:
    """Return the pages of the course in their order."""
    return sorted(COURSE.glob("*.md"))


def steps(page: Path) -> Iterator[Step]:
    """Yield what a lesson has its reader do, from its top; a block that is neither file nor commands is an error."""
    for fence in _fences(page):
        named = _FILE.match(fence.before)
        if fence.language == "console":
            yield from _commands(fence)
        elif named:
            yield Step(fence.line, "\n".join(fence.lines) + "\n", named[1])
        else:
            raise ValueError(f"{page.name}:{fence.line}: the block is neither commands nor a file with its name before")


def _fences(page: Path) -> Iterator[Fence]:
    before, begun, language, lines = "", 0, "", []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            if begun:
                yield Fence(begun, language, lines, before)
            begun, language, lines, before = (0, "", [], "") if begun else (number, line[3:], [], before)
        elif begun:
            lines.append(line)
        elif line:
            before = line


def _commands(fence: Fence) -> Iterator[Step]:
    """Yield the commands of a block; a line that ends with a backslash goes on in the next."""
    step: Step | None = None
    for number, line in enumerate(fence.lines, fence.line + 1):
        if line.startswith("$ "):
            if step:
                yield step
            step = Step(number, line[2:])
        elif step is None:
            raise ValueError(f"line {number}: a block begins with a command")
        elif step.text.endswith("\\"):
            step.text += f"\n{line}"
        else:
            step.shown.append(line)
    if step:
        yield step


def missing_line(step: Step, output: str, ids: Ids) -> str | None:
    """Return the first line that a command should have shown and did not, in their order; note the ids of runs.

    `…` stands for some text within a line, a line `...` for lines that are not shown.
    """
    printed = iter([line.rstrip() for line in output.splitlines()])
    for line in (line.rstrip() for line in step.shown if line.strip() != SKIPPED):
        wanted = _pattern(line, ids)
        match = next(filter(None, map(wanted.fullmatch, printed)), None)
        if match is None:
            return line
        ids.update(zip((name for name in _ID.findall(line) if name not in ids), match.groups(), strict=True))
    return None


def _pattern(line: str, ids: Ids) -> re.Pattern[str]:
    """Return what a line that is shown looks like; a run is called as it was before, or any id at first."""
    parts = _ID.split(line)
    words = [".+".join(map(re.escape, part.split(ANYTHING))) for part in parts]
    words[1::2] = [re.escape(ids[name]) if name in ids else "([0-9a-f]{16})" for name in parts[1::2]]
    return re.compile("".join(words))
