"""Values of parameters as text, each type in one way. Pure."""

import math
import re
from decimal import Decimal

from pydantic import JsonValue

from gristmill.enums import ParameterType

WANTED = {
    ParameterType.INTEGER: "a whole number such as 500, of at most 18 digits",
    ParameterType.NUMBER: "a number such as 0.5 that 64 bits hold (whole to its last digit, else of 5e-324 to 1.8e308)",
    ParameterType.BOOLEAN: "true or false",
}


def read_value(kind: ParameterType, text: str) -> JsonValue:
    """Return the value that a text is of a type; None where it is none."""
    if kind is ParameterType.STRING:
        return text
    if kind is ParameterType.INTEGER:
        return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII) else None
    if kind is ParameterType.NUMBER:
        number = float(text) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII) else math.inf
        return number if math.isfinite(number) and not _is_changed(text, number) else None
    return {"true": True, "false": False}.get(text.lower())


def _is_changed(text: str, number: float) -> bool:
    """Return whether a whole number lost digits, or a small one all of them."""
    exact = Decimal(text)
    return number != exact if text.lstrip("+-").isdigit() else not number and bool(exact)
