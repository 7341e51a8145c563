"""What the modules of a pipeline import: found by reading, not by running."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from gristmill.code.digest import CodeFile


@dataclass(frozen=True)
class Import:
    """An import statement: where it stands, the module's full name, how many dots it begins with, names from it."""

    file: str
    line: int
    name: str
    level: int = 0
    names: tuple[str, ...] = ()

    @property
    def top(self) -> str:
        """Return the module or package that is looked for first."""
        return self.name.partition(".")[0]

    @property
    def spelled(self) -> str:
        """Return the module as the statement has it."""
        return "." * self.level + self.name


def imports(file: CodeFile) -> Iterator[Import]:
    """Yield the imports of a module; a file that cannot be parsed (a template, or of another Python) has none."""
    try:
        tree = ast.parse(file.content)
    except (SyntaxError, ValueError):  # what jobs load is loaded before it is pushed
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(file.path, node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(name.name for name in node.names)
            yield Import(file.path, node.lineno, node.module or "", node.level, names)
