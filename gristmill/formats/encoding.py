"""How an input is stored: plain, gzip or BGZF. Only formats of text are looked at; a `whole` input is as it is."""

from gristmill.enums import Encoding, RecordFormat
from gristmill.formats import bgzf, gzipped
from gristmill.formats.blocks import HEAD_MAX, block_size
from gristmill.formats.names import GZIP_MAGIC
from gristmill.formats.reader import Damaged, Malformed, Reader, View
from gristmill.formats.registry import traits_of

GZIP_WARNING = (
    "the input is gzip, which can be read from its beginning alone, so one task reads all of it; "
    "compress it with bgzip instead, and it is split at its blocks"
)
_HEADS = {Encoding.GZIP: gzipped.head_of, Encoding.BGZF: bgzf.head_of}


def encoding_of(records: RecordFormat, view: View) -> Encoding:
    """Return how the input is stored, by its first bytes."""
    if not traits_of(records).is_text:
        return Encoding.PLAIN
    head = view.read(0, min(HEAD_MAX, view.size))
    if block_size(head):
        return Encoding.BGZF
    return Encoding.GZIP if head.startswith(GZIP_MAGIC) else Encoding.PLAIN


def begin(reader: Reader, view: View, encoding: Encoding) -> int:
    """Return where the first record begins in the data, behind a header; Malformed if it does not begin as it must."""
    if encoding is Encoding.PLAIN:
        return reader.begin(view)
    data = _HEADS[encoding](view)
    if not data:
        raise Damaged(None, 0, f"the file is empty: it is {encoding.name} of no data", "Drop one with content.")
    try:
        return reader.begin(gzipped.data_view(data))
    except Malformed as broken:
        raise broken.within(gzipped.OF_DATA) from broken


def warnings(encoding: Encoding) -> list[str]:
    """Return what the owner of a run should know of how its input is stored."""
    return [GZIP_WARNING] if encoding is Encoding.GZIP else []
