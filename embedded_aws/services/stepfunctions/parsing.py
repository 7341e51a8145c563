"""Parsing a definition once: moto reads it anew for each execution, which costs more than most states do."""

from functools import lru_cache
from typing import Any

from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

_DEFINITIONS = 64


def install() -> None:
    """Replace the parser. The tree is only read; the program made of it has state, and is made anew."""
    tree = lru_cache(_DEFINITIONS)(_reader(AmazonStateLanguageParser.parse))

    def parse(definition: str) -> tuple[Any, Any]:
        parsed = tree(definition)
        return Preprocessor().visit(parsed), parsed

    AmazonStateLanguageParser.parse = staticmethod(parse)


def _reader(parse: Any) -> Any:
    def read(definition: str) -> Any:
        _, tree = parse(definition)
        return tree

    return read
