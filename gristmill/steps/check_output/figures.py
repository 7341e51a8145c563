"""Figures that a branch wrote, read strictly: what is no number, or can mean two, fails its check. Pure."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from gristmill.enums import Breach, FigureVerdict
from gristmill.limits import FIGURES_MAX
from gristmill.pipeline.check import Check
from gristmill.printable import line, short
from gristmill.runs.checks import CheckResult

_NAMED = 200  # characters of the names of other figures
_DIGITS = 400  # of a whole number; one with more is beyond what a float holds
_KINDS = {str: "a text", bool: "true or false", type(None): "null", list: "a list", dict: "an object"}


class NoFigures(Exception):
    """Raised where a branch's output is not one JSON object; says why."""


def check_figures(checks: Sequence[Check], raw: bytes) -> list[CheckResult]:
    """Return what each check finds in a branch's output; `raw` may be its first FIGURES_MAX + 1 bytes."""
    try:
        figures = parse_figures(raw)
    except NoFigures as error:
        return [_failed(check, str(error)) for check in checks]
    return [_check(check, figures) for check in checks]


def parse_figures(raw: bytes) -> dict[str, Any]:
    """Return the JSON object that `raw` is; NoFigures where it is none, or says something twice."""
    if not raw.strip():
        raise NoFigures("the branch wrote nothing")
    if len(raw) > FIGURES_MAX:
        raise NoFigures(f"the branch wrote more than the {FIGURES_MAX:,} bytes that figures may have")
    try:
        found = json.loads(
            raw.decode(), object_pairs_hook=_object, parse_int=_whole, parse_float=float, parse_constant=_Constant
        )
    except UnicodeDecodeError as error:
        raise NoFigures(f"the branch wrote no UTF-8 (byte {error.start:,})") from None
    except json.JSONDecodeError as error:
        raise NoFigures(_why_no_json(error)) from None
    except RecursionError:
        raise NoFigures("the branch wrote JSON that is nested too deep") from None
    if not isinstance(found, dict):
        raise NoFigures(f"the branch wrote {_kind(found)}, not one JSON object of figures")
    return found


def _why_no_json(error: json.JSONDecodeError) -> str:
    if error.doc.startswith("\ufeff"):
        return "the branch wrote a byte order mark before its JSON"
    if error.msg == "Extra data":
        return f"the branch wrote more than one JSON object (line {error.lineno}); sum its figures up in one"
    return f"the branch wrote no JSON: {error.msg} (line {error.lineno}, column {error.colno})"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of its members; NoFigures where two have the same name, or one holds what is no JSON."""
    made = dict(pairs)
    for name, value in pairs:
        if constant := _constant_in(value):
            raise NoFigures(f"the branch wrote {constant} for {short(name, _NAMED)}, which is no number")
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NoFigures(f"the branch wrote {short(twice, _NAMED)} twice")
    return made


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < _DIGITS else float(digits)


class _Constant(str):
    """NaN, Infinity or -Infinity, which Python writes and JSON does not have."""


def _constant_in(value: Any) -> str:
    """Return the constant that a value is or a list holds, an empty text where there is none."""
    if isinstance(value, list):
        return next(filter(None, map(_constant_in, value)), "")
    return value if isinstance(value, _Constant) else ""


def _check(check: Check, figures: Mapping[str, Any]) -> CheckResult:
    place: Any = figures
    for step in check.figure.split("."):
        if not isinstance(place, dict) or step not in place:
            return _failed(check, _why_missing(step, place))
        place = place[step]
    if isinstance(place, bool) or not isinstance(place, int | float):
        return _failed(check, f"it is {_kind(place)}, not a number")
    if not _is_finite(place):
        return _failed(check, "it is beyond the numbers that can be compared (about 1.8e308)")
    breach = FigureVerdict.WARNED if check.otherwise is Breach.WARN else FigureVerdict.FAILED
    return CheckResult(check=check, value=place, verdict=FigureVerdict.PASSED if check.holds(place) else breach)


def _why_missing(step: str, place: Any) -> str:
    if not isinstance(place, dict):
        return f"there is {_kind(place)} where {step} should be"
    return f"the branch wrote no {step}; it wrote: {short(', '.join(map(line, place)) or 'nothing', _NAMED)}"


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:
        return False


def _kind(value: Any) -> str:
    return value if isinstance(value, _Constant) else _KINDS.get(type(value), "a number")


def _failed(check: Check, problem: str) -> CheckResult:
    return CheckResult(check=check, value=None, verdict=FigureVerdict.FAILED, problem=problem)
