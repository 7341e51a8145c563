"""Text from jobs, files and users is data: what could steer a terminal, hide, or pass for a line of ours is escaped."""

import json
import re
import unicodedata
from collections.abc import Callable

LINE_MAX = 2_000  # characters of a line that is read by people
TAIL_LINES, TAIL_LINE_MAX = 12, 300  # lines of a log that are quoted, and characters of each
_HIDDEN = {"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"}  # Unicode's controls, formats, unassigned, surrogates, line ends
_UNSEEN = re.compile(  # letters and marks that Unicode has drawn as nothing (Default_Ignorable_Code_Point)
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
)
_JOINERS = "\u200c\u200d"  # emoji, Persian and Indic scripts need them, between letters that are not ASCII
_LETTER = rf"[^\x00-\x7f{_JOINERS}]"
_LOOSE_JOINER = re.compile(rf"(?<!{_LETTER})[{_JOINERS}]|[{_JOINERS}](?!{_LETTER})")


def is_hidden(char: str) -> bool:
    """Tell whether nobody sees a character: it acts on what is around it, or is drawn as nothing."""
    return unicodedata.category(char) in _HIDDEN or _UNSEEN.match(char) is not None


class _Escapes(dict[int, str]):
    """What hidden characters become, by code point for `str.translate`; worked out when first met."""

    def __init__(self, escape: Callable[[str], str], kept: str) -> None:
        super().__init__()
        self._escape, self._kept = escape, kept

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = self._escape(char) if is_hidden(char) and char not in self._kept else char
        return self[code]


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()


_OF_LINES = _Escapes(_escape, "\t" + _JOINERS)
_OF_JSON = _Escapes(lambda char: json.dumps(char)[1:-1], "\n")


def encodable(text: str) -> str:
    """Return text that UTF-8 can carry: surrogates that stand alone, as in names that are not UTF-8, as escapes."""
    return text.encode(errors="backslashreplace").decode()


def line(text: str) -> str:
    r"""Return text as one line that shows all it holds: controls, formats and line ends as escapes (`\x1b`)."""
    if text.isprintable() and not _UNSEEN.search(text):
        return text
    return _LOOSE_JOINER.sub(lambda found: _escape(found[0]), text.translate(_OF_LINES))


def short(text: str, most: int = LINE_MAX) -> str:
    """Return one line of about `most` characters at most, with a mark where it was cut."""
    shown = line(text[: most + 1])
    return shown if len(shown) <= most else f"{shown[:most]}… ({len(text):,} characters in all)"


def tail(text: str) -> list[str]:
    """Return the last lines of a quoted text, as few and as short as a reader takes in."""
    return [short(each, TAIL_LINE_MAX) for each in text.rstrip().splitlines()[-TAIL_LINES:]]


def block(text: str) -> str:
    """Return text with its own line ends kept, each line as `line` shows it."""
    return "\n".join(line(each) for each in text.split("\n"))


def json_text(text: str) -> str:
    """Return JSON text in which the same characters stand as JSON's own escapes, so that it reads back alike."""
    return text.translate(_OF_JSON)
