"""What the beginning of an input shows: bytes that are no text of lines are named as what they are."""

import re
from collections.abc import Callable, Iterator

from gristmill.formats.reader import Malformed, View
from gristmill.limits import HEADER_MAX

CR_MEND = r"Convert its line ends first: tr '\r' '\n' < FILE > NEW."
NO_HEADER = "A file without a header needs header: false in its pipeline."
_UTF_8_MARK = b"\xef\xbb\xbf"
_MARKS = (  # that of UTF-32-LE begins as that of UTF-16-LE does
    (b"\xff\xfe\x00\x00", "UTF-32LE"),
    (b"\x00\x00\xfe\xff", "UTF-32BE"),
    (b"\xff\xfe", "UTF-16LE"),
    (b"\xfe\xff", "UTF-16BE"),
)
_NO_TEXT = tuple(  # what is made of letters needs something behind them that no text has: PAR1 is a gene, too
    (re.compile(magic, re.DOTALL), kind)
    for magic, kind in (
        (rb"\x1f\x8b\x08", "gzip"),
        (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", "bzip2"),
        (rb"\xfd7zXZ\0", "xz"),
        (rb"\]\0\0[^\0]", "lzma"),
        (rb"LZIP[\0\x01]", "lzip"),
        (rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18", "zstd"),
        (rb"\x04\x22\x4d\x18", "lz4"),
        (rb"\x1f[\x9d\xa0]", "compressed (.Z)"),
        (rb".{257}ustar(\0|  \0)", "a tar archive"),
        (rb"PK(\x03\x04|\x05\x06|\x07\x08)", "a ZIP archive (as XLSX files are)"),
        (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (rb"Rar!\x1a\x07", "a RAR archive"),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a file of Office before 2007 (as XLS files are)"),
        (rb"PAR1[\0-\x08\x0e-\x1f]", "Parquet"),
        (rb"ARROW1\0", "Arrow"),
        (rb"Obj\x01", "Avro"),
        (rb"SQLite format 3\0", "SQLite"),
        (rb"\x89HDF\r\n\x1a\n", "HDF5"),
        (rb"\x93NUMPY", "an array of NumPy"),
        (rb"BAM\x01", "BAM"),
        (rb"CRAM[\x01-\x08]", "CRAM"),
        (rb"%PDF-\d", "PDF"),
        (rb"\x89PNG\r\n|\xff\xd8\xff|II\*\0|MM\0\*", "a picture"),
    )
)
_FIRST_LOOK = 64 * 1024
_FEWEST_UNITS = 2  # of UTF-16 and UTF-32 without a mark, to be known as such


def _has_line(head: bytes) -> bool:
    return b"\n" in head


def read_head(view: View, is_enough: Callable[[bytes], object] = _has_line) -> bytes:
    """Return the first bytes of an input; Malformed where they are no text of lines.

    They are few if they are enough, else HEADER_MAX, or all.
    """
    head = view.read(0, min(_FIRST_LOOK, view.size))
    _check_kind(head)
    _check_encoding(head)
    if len(head) < view.size and not is_enough(head):
        head = view.read(0, min(HEADER_MAX, view.size))
    place = head.find(b"\r")
    if place >= 0 and b"\n" not in head:
        within = "" if len(head) < HEADER_MAX else f" within the first {HEADER_MAX:,} bytes"
        raise Malformed(None, place, f"lines end with CR alone, as on classic Mac OS: there is no LF{within}", CR_MEND)
    return head


def _check_kind(head: bytes) -> None:
    for magic, kind in _NO_TEXT:
        if magic.match(head):
            raise Malformed(None, 0, f"this is {kind}, not text", "Decompress or export it as text first.")


def _check_encoding(head: bytes) -> None:
    if head.startswith(_UTF_8_MARK):
        mend = "Remove it: tail -c +4 FILE > NEW."
        raise Malformed(None, 0, "a UTF-8 byte order mark (BOM, EF BB BF) stands before the first record", mend)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            shown = f"{encoding} with a byte order mark (BOM, {mark.hex(' ').upper()})"
            raise _encoded(shown, encoding.removesuffix("LE").removesuffix("BE"))
    for encoding in _unmarked(head):
        raise _encoded(f"{encoding} without a byte order mark", encoding)


def _encoded(shown: str, encoding: str) -> Malformed:
    mend = f"Convert it first: iconv -f {encoding} -t UTF-8 FILE > NEW."
    return Malformed(None, 0, f"the text is {shown}; it must be UTF-8, or another encoding that extends ASCII", mend)


def _unmarked(head: bytes) -> Iterator[str]:
    """Yield the encoding of text of 2 or 4 bytes a character without a mark: zeros and line ends lie as it has them."""
    for width in (4, 2):
        lanes = [head[lane : len(head) - len(head) % width : width] for lane in range(width)]
        if len(lanes[0]) < _FEWEST_UNITS:
            continue
        if _is_wide(lanes[0], lanes[1:]):
            yield f"UTF-{8 * width}LE"
        if _is_wide(lanes[-1], lanes[:-1]):
            yield f"UTF-{8 * width}BE"


def _is_wide(low: bytes, high: list[bytes]) -> bool:
    """Return whether the low bytes of characters are never zero, and the high ones mostly, and at each line end."""
    if 0 in low or any(2 * lane.count(0) < len(lane) or b"\n" in lane for lane in high):
        return False
    ends = [place for place, byte in enumerate(low) if byte == 0x0A]
    return all(lane[place] == 0 for lane in high for place in ends)
