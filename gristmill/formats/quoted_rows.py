"""The rows of CSV, counted, and each quote held to where one may stand: around a whole field, or doubled inside it.

A block is split at its quotes: pieces are by turns outside of quoted fields and inside. One outside that lies between
two quoted fields begins with what ends a field and ends with what begins one; an empty one is a doubled quote. So, with
the pieces inside left out, quotes stand alone or in rows, and behind and before each row stands what must.
"""

import re
from typing import NoReturn

from gristmill.formats.line_ends import find_lone_cr, lone_cr
from gristmill.formats.quotes import QUOTE
from gristmill.formats.reader import Malformed
from gristmill.formats.tokens import LINE_END

_BLOCK = 128 * 1024  # split at once, in the processor's cache
_AHEAD = {b"", b",", LINE_END}  # of an opening quote
_BEHIND = {*_AHEAD, b"\r"}  # a closing quote
# Where what is inside quotes is left out
_BAD_OPENING = re.compile(rb'"(?<![,\n"]")')
_BAD_CLOSING = re.compile(rb'"[^,\r\n"]')
_OPENED, _CLOSED = b',"', b'\n""'  # stand for the bytes before a block: in a field, behind its closing quote
_COMMAS = "Commas separate fields: convert the file, or, without line ends in fields, read it as lines."
_OTHERS = (b";", b"\t", b"|")  # separate fields elsewhere
_DOUBLE = "Put the whole field into quotes and double those in it; without line ends in fields, read it as lines."


class CsvCounter:
    """Counts rows, and names the first quote that is not closed or may not stand where it does."""

    def __init__(self, start: int) -> None:
        self._place = start  # of the first byte that was not taken yet
        self._odd = False  # a quote is open
        self._opened = start  # where the last field in quotes begins
        self._ends = 0
        self._last = LINE_END

    @property
    def records(self) -> int:
        """Return how many rows have passed, an unfinished last one included."""
        return self._ends + (self._last != LINE_END or self._odd)

    def feed(self, block: bytes) -> None:
        """Count the line ends that are outside quotes."""
        for place in range(0, len(block), _BLOCK):
            self._feed(block[place : place + _BLOCK])

    def _feed(self, block: bytes) -> None:
        if QUOTE in block or self._last == QUOTE:
            self._take(block)
        elif not self._odd:
            if find_lone_cr(block, self._last) is not None:
                self._name_fault([self._last + block], 1)
            self._ends += block.count(LINE_END)
        self._last = block[-1:]
        self._place += len(block)

    def _take(self, block: bytes) -> None:
        """Take a block that has quotes, or follows one."""
        before = _OPENED if self._odd else _CLOSED if self._last == QUOTE else self._last
        pieces = (before + block).split(QUOTE)
        self._odd = not len(pieces) % 2
        text = QUOTE.join(pieces[::2]) + QUOTE * self._odd  # without what is inside quotes
        if _BAD_OPENING.search(text) or _BAD_CLOSING.search(text) or find_lone_cr(text, b"") is not None:
            self._name_fault(pieces, len(before))
        self._ends += text.count(LINE_END) - before.startswith(LINE_END)
        if self._odd or block.endswith(QUOTE):
            self._note_opening(pieces, before, len(block))

    def _note_opening(self, pieces: list[bytes], before: bytes, size: int) -> None:
        """Note where the last field in quotes begins: behind a doubled quote it goes on."""
        number = len(pieces) - 1 if self._odd else len(pieces) - 2
        while number > 1 and not pieces[number - 1]:
            number -= 2
        if number > 1 or before not in (_OPENED, _CLOSED):
            self._opened = self._place + size - sum(len(piece) + 1 for piece in pieces[number:])

    def _name_fault(self, pieces: list[bytes], ahead: int) -> NoReturn:
        """Raise Malformed at the first fault of pieces that begin `ahead` bytes before the present place."""
        place, record = self._place - ahead, self._ends + (pieces[0][:1] != LINE_END)
        for number, piece in enumerate(pieces):
            if number % 2 == 0:
                is_last = number == len(pieces) - 1
                _check_piece(piece, place, record, is_first=number == 0, is_last=is_last)
                record += piece.count(LINE_END)
            place += len(piece) + 1
        raise AssertionError("a fault was seen, and none is found")

    def close(self) -> None:
        """Refuse a quote that is open, and a CR alone."""
        if self._odd:
            wrong = "a quoted field is not closed: the quote that opens it stands here, and none ends it"
            raise Malformed(self._ends + 1, self._opened, wrong, f"Close the field. {_DOUBLE}")
        if self._last == b"\r":
            raise lone_cr(self._ends + 1, self._place - 1)


def _check_piece(piece: bytes, place: int, record: int, *, is_first: bool, is_last: bool) -> None:
    """Raise Malformed at the first fault of what lies at `place` outside of quoted fields; it begins in `record`."""
    if not is_first and piece[:1] not in _BEHIND:
        wrong = f"expected a comma or a line end behind the closing quote of a field, found {piece[:1]!r}"
        mend = "Double each quote that belongs to the text of a field in quotes."
        raise Malformed(record, place, wrong, _COMMAS if piece.startswith(_OTHERS) else _blank(piece[:1]) or mend)
    alone = find_lone_cr(piece if is_last else piece + QUOTE, b"")
    if alone is not None:
        raise lone_cr(record + piece.count(LINE_END, 0, alone), place + alone)
    if not is_last and piece[-1:] not in _AHEAD:
        wrong = "a quote stands in the middle of a field that does not begin with one (commas separate fields)"
        mend = _COMMAS if piece.endswith(_OTHERS) else _blank(piece[-1:]) or _DOUBLE
        raise Malformed(record + piece.count(LINE_END), place + len(piece), wrong, mend)


def _blank(byte: bytes) -> str:
    return "Remove the blank beside the quote, or double a quote that belongs to the text." if byte == b" " else ""
