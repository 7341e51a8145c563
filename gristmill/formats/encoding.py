"""How an input is stored: plain, gzip or BGZF. Only formats of text are looked at; a `whole` input is as it is."""

from gristmill.enums import Encoding, RecordFormat
from gristmill.formats.blocks import is_bgzf
from gristmill.formats.reader import View
from gristmill.formats.registry import traits_of

_GZIP = b"\x1f\x8b"
GZIP_WARNING = (
    "the input is gzip, which can be read from its beginning alone, so one task reads all of it; "
    "compress it with bgzip instead, and it is split at its blocks"
)


def encoding_of(records: RecordFormat, view: View) -> Encoding:
    """Return how the input is stored, by its first bytes."""
    if not traits_of(records).is_text:
        return Encoding.PLAIN
    head = view.read(0, min(18, view.size))
    if is_bgzf(head):
        return Encoding.BGZF
    return Encoding.GZIP if head.startswith(_GZIP) else Encoding.PLAIN


def warnings(encoding: Encoding) -> list[str]:
    """Return what the owner of a run should know of how its input is stored."""
    return [GZIP_WARNING] if encoding is Encoding.GZIP else []
