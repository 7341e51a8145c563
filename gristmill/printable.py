"""Text from jobs, files and users is data: what could steer a terminal, hide, or pass for a line of ours is escaped."""

import json
import re
import unicodedata

LINE_MAX = 2_000  # characters of a line that is read by people
_HIDDEN = {"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"}  # Unicode's controls, formats, unassigned, surrogates, line ends
_JOINERS = "\u200c\u200d"  # emoji, Persian and Indic scripts need them, between letters that are not ASCII
_LETTER = rf"[^\x00-\x7f{_JOINERS}]"
_LOOSE_JOINER = re.compile(rf"(?<!{_LETTER})[{_JOINERS}]|[{_JOINERS}](?!{_LETTER})")


class _Escapes(dict[int, str]):
    """Escapes by code point for `str.translate`, worked out when first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        hidden = unicodedata.category(char) in _HIDDEN and char != "\t" and char not in _JOINERS
        self[code] = _escape(char) if hidden else char
        return self[code]


_ESCAPES = _Escapes()


def line(text: str) -> str:
    r"""Return text as one line that shows all it holds: controls, formats and line ends as escapes (`\x1b`)."""
    if text.isprintable():
        return text
    return _LOOSE_JOINER.sub(lambda found: _escape(found[0]), text.translate(_ESCAPES))


def short(text: str, most: int = LINE_MAX) -> str:
    """Return one line of about `most` characters at most, with a mark where it was cut."""
    shown = line(text[: most + 1])
    return shown if len(shown) <= most else f"{shown[:most]}… ({len(text):,} characters in all)"


def block(text: str) -> str:
    """Return text with its own line ends kept, each line as `line` shows it."""
    return "\n".join(line(each) for each in text.split("\n"))


def json_text(text: str) -> str:
    """Return JSON text in which the same characters stand as JSON's own escapes, so that it reads back alike."""
    return "\n".join(each if each.isprintable() else _json_line(each) for each in text.split("\n"))


def _json_line(text: str) -> str:
    return "".join(char if unicodedata.category(char) not in _HIDDEN else json.dumps(char)[1:-1] for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
