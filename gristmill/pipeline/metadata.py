"""Texts as an object's user metadata, which travel as headers of HTTP: each arrives byte for byte.

A plain text stands as it is, so that anybody can set it by hand. S3 would strip or change any other: it stands as
`UTF-8''` and its UTF-8 percent-encoded, as RFC 8187 has it.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote_to_bytes

_MARK = "UTF-8''"
_SAFE = "!#$&+^`|"  # of RFC 8187's attr-char; `quote` knows the rest
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")  # visible ASCII, with single blanks between
_MAIL_SAFE = re.compile(r"=\?.*\?=", re.DOTALL)  # RFC 2047, as S3 gives back what it was sent beyond ASCII
_ENCODED = re.compile(rf"{_MARK}((?:[{re.escape(_SAFE)}\w.~-]|%[0-9a-f]{{2}})*)", re.IGNORECASE | re.ASCII)


def encode(text: str) -> str:
    """Return a text as a value of metadata."""
    is_plain = _PLAIN.fullmatch(text) and not _MAIL_SAFE.search(text) and not _is_marked(text)
    # a lone surrogate has no UTF-8: it travels as bytes that `decode` refuses
    return text if is_plain else _MARK + quote(text.encode(errors="surrogatepass"), _SAFE)


def decode(value: str) -> str:
    """Return the text of a value of metadata; ValueError, with the mend, where it cannot be decoded."""
    if _MAIL_SAFE.search(value):
        raise ValueError(f"S3 cannot carry it as it was set, and made {value!r} of it; {_MEND}")
    if not _is_marked(value):
        return value
    encoded = _ENCODED.fullmatch(value)
    if not encoded:
        raise ValueError(f"{value!r} is not percent-encoded after {_MARK}; {_MEND}")
    try:
        return unquote_to_bytes(encoded[1]).decode()
    except UnicodeDecodeError:
        raise ValueError(f"{value!r} is not UTF-8; {_MEND}") from None


_MEND = f"give it with gristmill run --param, or as {_MARK} and its UTF-8 percent-encoded (a blank is %20)"


def _is_marked(value: str) -> bool:
    return value[: len(_MARK)].upper() == _MARK


def plain_name(name: str) -> str:
    """Return the name of a parameter: hyphens in metadata stand for its underscores."""
    return name.replace("-", "_").lower()


def twice(names: Iterable[str]) -> list[str]:
    """Return the faults of names that mean the same parameter."""
    plain = [plain_name(name) for name in names]
    return [f"parameter {name} is given twice" for name in sorted({name for name in plain if plain.count(name) > 1})]


def read(metadata: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the texts that an object's user metadata holds by parameter, and the faults of the others."""
    texts, faults = {}, twice(metadata)
    for name, value in metadata.items():
        try:
            texts[plain_name(name)] = decode(value)
        except ValueError as error:
            faults.append(f"parameter {plain_name(name)}: {error}")
    return texts, faults
