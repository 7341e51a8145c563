"""JSON Lines: a JSON value (RFC 8259) on each line. No line end can be inside a value, so they are cut as lines are."""

import json

from gristmill.enums import RecordFormat
from gristmill.formats.head import read_head
from gristmill.formats.line_ends import find_lone_cr, lone_cr
from gristmill.formats.lines import LineCounter, Lines
from gristmill.formats.reader import UNKNOWN_SIZE, Malformed, View
from gristmill.formats.registry import register
from gristmill.formats.tokens import LINE_END
from gristmill.limits import MIB

_LOOKED_AT = 1 * MIB  # a line longer than this is left to the task that reads it
_NESTED_MAX = (
    500  # arrays and objects inside one another; Python's own parser takes some 900, fewer the deeper it is called
)
_ONE_A_LINE = "Write one JSON value on each line (jq -c . FILE does)."
_ESCAPES = (b"\\\\", b'\\"')
_OUTSIDE = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_AS_ONE = bytes.maketrans(b"{}", b"[]")


class _NoNumber(ValueError):
    """Raised at a constant that JSON does not have."""


def _refuse(constant: str) -> None:
    raise _NoNumber(f"{constant} is no JSON value")


_PARSER = json.JSONDecoder(parse_constant=_refuse)
_OF_ANY_SIZE = json.JSONDecoder(parse_constant=_refuse, parse_int=str)  # Python makes no number of over 4,300 digits


@register(RecordFormat.JSONL)
class JsonLines(Lines):
    """A JSON value on each line."""

    def begin(self, view: View) -> int:
        """Look at the first and the last line: a file that is no JSON Lines, or was truncated, shows it there."""
        first = read_head(view)[:_LOOKED_AT]
        if LINE_END in first or 0 < view.size <= _LOOKED_AT:
            check_value(first.partition(LINE_END)[0], 1, 0)
        if 0 < view.size < UNKNOWN_SIZE:
            self._check_end(view)
        return 0

    def _check_end(self, view: View) -> None:
        low = max(view.size - _LOOKED_AT, 0)
        tail = view.read(low, view.size)
        start = tail.removesuffix(LINE_END).rfind(LINE_END) + 1
        if start or not low:
            check_value(tail[start:].removesuffix(LINE_END), None, low + start, is_last=not tail.endswith(LINE_END))

    def counter(self, start: int) -> "JsonLineCounter":
        """Return a counter that parses every line."""
        return JsonLineCounter(start)


def check_value(line: bytes, record: int | None, byte: int, *, is_last: bool = False) -> None:
    """Raise Malformed where a line holds no JSON value; one that is the last, and lacks its end, may be cut off."""
    if not line.strip():
        raise Malformed(record, byte, "expected a JSON value, found a blank line", "Remove it.")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        wrong = (
            f"expected a JSON value (not UTF-8 at byte {byte + error.start}: {line[error.start : error.start + 1]!r})"
        )
        raise Malformed(record, byte, wrong, "Convert it first: iconv -f ENCODING -t UTF-8 FILE > NEW.") from error
    if _is_deep(line):
        wrong = f"expected a JSON value with at most {_NESTED_MAX} arrays and objects inside one another"
        raise Malformed(record, byte, wrong, "Flatten it.")
    try:
        _parse(text)
    except _NoNumber as error:
        raise Malformed(record, byte, f"expected a JSON value ({error})", "Write null, or a text.") from error
    except json.JSONDecodeError as error:
        alone = find_lone_cr(line.strip(), b"")
        if alone is not None:
            raise lone_cr(record, byte + line.index(line.strip()) + alone) from error
        cut_off = "; it is the last line and lacks its end, so the file may be truncated" if is_last else ""
        wrong = f"expected a JSON value ({error.msg} at its character {error.pos + 1}{cut_off})"
        raise Malformed(record, byte, wrong, _ONE_A_LINE) from error


def _parse(text: str) -> None:
    try:
        _PARSER.decode(text)
    except (json.JSONDecodeError, _NoNumber):
        raise
    except ValueError:
        _OF_ANY_SIZE.decode(text)


def _is_deep(line: bytes) -> bool:
    """Return whether more than _NESTED_MAX arrays and objects are inside one another."""
    if line.count(b"[") + line.count(b"{") <= _NESTED_MAX:
        return False
    for escape in _ESCAPES:
        line = line.replace(escape, b"")
    brackets = b"".join(line.translate(_AS_ONE, _OUTSIDE).split(b'"')[::2])
    for _ in range(_NESTED_MAX):
        shorter = brackets.replace(b"[]", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    return brackets.count(b"[") > _NESTED_MAX or b"[]" in brackets


class JsonLineCounter(LineCounter):
    """Counts lines and parses each, so that an error names the first broken one by number and place."""

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self._held: list[bytes] = []  # of a line that is not whole yet

    def feed(self, block: bytes) -> None:
        """Parse the lines that are whole now."""
        *whole, rest = block.split(LINE_END)
        if whole:
            whole[0] = b"".join((*self._held, whole[0]))
            self._held = []
            self._parse(whole)
        self._held.append(rest)
        self._last = block[-1:] or self._last

    def _parse(self, lines: list[bytes]) -> None:
        for line in lines:
            check_value(line, self._ends + 1, self._place)
            self._ends += 1
            self._place += len(line) + 1

    def close(self) -> None:
        """Parse the last line, which may lack its end."""
        if self._last != LINE_END:
            check_value(b"".join(self._held), self._ends + 1, self._place, is_last=True)
