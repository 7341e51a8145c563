"""Format amounts, times and names for people. Pure."""

import difflib
import json
import signal
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

_WHOLE_MAX = 2**53  # up to it, a float holds every whole number
_DIGITS_SHOWN = 40


def ascii_only(text: str) -> str:
    """Return text in printable ASCII: accents dropped, what has no ASCII kin as `?`."""
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" else "?" for letter in kept)


def shortened(text: str, most: int) -> str:
    """Return text of at most `most` characters: of a longer one the beginning and the end."""
    keep = (most - 3) // 2
    return text if len(text) <= most else f"{text[:keep]}...{text[-keep:]}"


def duration(span: timedelta) -> str:
    """Return a time span in words: 12 s, 3 min 4 s, 2 h 5 min."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def past_time_limit(seconds: float | None) -> str:
    """Return how every message says that something took longer than it may; the limit may be unknown."""
    return f"ran past its time limit of {seconds:g} s" if seconds else "ran past its time limit"


def signal_name(number: int) -> str:
    """Return a signal's name."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def size(count: int) -> str:
    """Return bytes in words, in powers of ten."""
    value, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:,.0f} bytes" if units[0] == "bytes" else f"{value:,.1f} {units[0]}"


def timestamp(when: datetime) -> str:
    """Return a time with its zone."""
    return when.strftime("%Y-%m-%d %H:%M:%S %Z")


def brief(seconds: float) -> str:
    """Return a time span in words, a short one with its fractions: 40 ms, 1.2 s, 12 s, 3 min 4 s."""
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 9.95 else duration(timedelta(seconds=seconds))


def quantity(count: float) -> str:
    """Return a figure in words: whole with separators from 100 on, else with two significant digits."""
    return f"{count:,.0f}" if count >= 100 or count == int(count) else f"{count:.2g}"


def number(value: float) -> str:
    """Return a number exactly: whole without a point, a fraction with the fewest digits that are its own."""
    is_whole = isinstance(value, int) or (value.is_integer() and abs(value) <= _WHOLE_MAX)
    return shortened(str(int(value) if is_whole else value), _DIGITS_SHOWN)


def quoted(value: object) -> str:
    """Return a value as a sentence quotes it: text in quotes, with its controls as escapes; else as JSON has it."""
    return repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question after the nearest of the known names, to end a sentence; nothing where none is near."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""


def often(count: int) -> str:
    """Return how many times, in words: once, 2 times."""
    return "once" if count == 1 else f"{count:,} times"
