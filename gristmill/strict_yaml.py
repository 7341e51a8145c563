"""YAML that means the same to every reader: what is given twice, or is another number to some of them, is refused."""

import re
from typing import Any

import yaml

from gristmill import printable

_SHOWN = 60  # characters of what is there
_DEEPEST = 100  # levels of lists and mappings; Python's own limit differs with what else runs in the process
_NAME_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")  # `<<` takes over the fields of another mapping
_OF_OLD = re.compile(r"[-+]?(0[0-9_]+|\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?)")  # octal, base 60: YAML 1.1 alone has them


class StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a name given twice, where YAML lets the last one win, and names that are no text.

    So it does with numbers that YAML 1.1 and 1.2 read differently, as 010 and 12:30, and those of thousands of digits,
    and with what is nested deeper than anybody means.
    """

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node of the tree; MarkedYAMLError where it lies too deep."""
        if self._depth == _DEEPEST:
            what = f"nested deeper than {_DEEPEST} levels"
            raise yaml.composer.ComposerError(None, None, what, self.get_mark())
        self._depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return what a node holds; MarkedYAMLError with its place where it is no number, or can mean two."""
        try:
            made = super().construct_object(node, deep)
            if isinstance(made, int):
                str(made)  # Python writes no number of thousands of digits, hexadecimal ones included
        except ValueError as error:  # such a number, or a day that no month has
            what = f"{printable.short(str(node.value), _SHOWN)} is no number and no day; in quotes it is text"
            raise yaml.constructor.ConstructorError(None, None, what, node.start_mark) from error
        if isinstance(made, int | float) and _OF_OLD.fullmatch(node.value):
            what = f"{printable.short(node.value, _SHOWN)} is {made:.15g} to some readers of YAML, and not to others"
            raise yaml.constructor.ConstructorError(
                None, None, f"{what}; write the number that is meant", node.start_mark
            )
        return made

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; MarkedYAMLError where a name is given twice, or is no text."""
        seen = set()
        for key, _ in node.value:
            if key.tag not in _NAME_TAGS:
                bare = f"; {key.value} is text in quotes alone" if isinstance(key, yaml.ScalarNode) else ""
                raise yaml.constructor.ConstructorError(
                    None, None, f"the name of a field is text{bare}", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
