"""The records of FASTQ, checked: at C speed as long as all is well, then one by one to name the broken one."""

from gristmill.formats.line_ends import find_lone_cr, lone_cr
from gristmill.formats.reader import Malformed
from gristmill.formats.tokens import LINE_END
from gristmill.limits import MIB

LINES = 4
UNWRAP = "FASTQ with wrapped lines must be unwrapped first (for example: seqtk seq -l0)."
_BLOCK = MIB // 8  # checked at once, in the processor's cache
_RETURN = b"\r"
_PRINTABLE = bytes(range(ord("!"), ord("~") + 1))
_NO_LETTERS = (b"@", b"+")  # begin no sequence


def check_record(lines: list[bytes], record: int, byte: int) -> None:
    """Check the lines of a record, without their LF; Malformed where they are no record."""
    bare = [line.removesuffix(_RETURN) for line in lines]
    for number, line in enumerate(lines):
        if _RETURN in bare[number]:
            place = byte + sum(len(before) + 1 for before in lines[:number])
            raise lone_cr(record, place + (find_lone_cr(line + LINE_END, b"") or 0))
    _check_marks(bare, record, byte)
    _check_letters(bare, record, byte)


def _check_marks(bare: list[bytes], record: int, byte: int) -> None:
    if not bare[0].startswith(b"@"):
        raise Malformed(record, byte, f"expected @ and a name, found {_shown(bare[0])}", _mend(bare[:1]))
    if len(bare) < LINES:
        wrong = f"it has {len(bare)} of its {LINES} lines: the file is truncated"
        raise Malformed(record, byte, wrong, "Copy or make it again.")
    if not bare[2].startswith(b"+"):
        if b"" in bare[:3]:
            wrong = f"expected + on its third line, found {_shown(bare[2])}; there is a blank line in the record"
            raise Malformed(record, byte, wrong, _mend(bare))
        raise Malformed(record, byte, f"expected + on its third line, found {_shown(bare[2])}", UNWRAP)
    if bare[2][1:].rstrip() not in (b"", bare[0][1:].rstrip()):
        wrong = f"the name behind + differs from that behind @: {_shown(bare[2])}, {_shown(bare[0])}"
        raise Malformed(record, byte, wrong, "Mend the names, or leave out those behind +.")


def _check_letters(bare: list[bytes], record: int, byte: int) -> None:
    sequence, quality = bare[1], bare[3]
    if len(sequence) != len(quality):
        if b"" in (sequence, quality):
            wrong = f"expected {len(sequence)} qualities, found {len(quality)}: one of the two lines is blank"
            raise Malformed(record, byte, wrong, _mend([b""]))
        wrong = f"expected {len(sequence)} qualities, found {len(quality)}"
        raise Malformed(record, byte, wrong, "Each letter of a sequence has a quality: copy or make the file again.")
    if sequence[:1] in _NO_LETTERS:
        raise Malformed(record, byte, f"a sequence cannot begin with {sequence[:1].decode()}", UNWRAP)
    strange = (sequence + quality).translate(None, _PRINTABLE)
    if strange:
        wrong = f"sequences and qualities are printable ASCII without blanks, and here is {strange[:1]!r}"
        raise Malformed(record, byte, wrong, "Remove it.")


def _mend(lines: list[bytes]) -> str:
    return "Remove blank lines." if b"" in lines else "Each record has four lines: @name, sequence, +, qualities."


def _shown(line: bytes) -> str:
    return repr(line[:20]) if line else "a blank line"


class FastqCounter:
    """Counts records and checks each."""

    def __init__(self, start: int) -> None:
        self._place = start
        self._held: list[bytes] = []  # bytes of the record that is not whole yet
        self._ends = 0  # line ends among them
        self.records = 0

    def feed(self, block: bytes) -> None:
        """Check the records that are whole now."""
        for place in range(0, len(block), _BLOCK):
            self._feed(block[place : place + _BLOCK])

    def _feed(self, block: bytes) -> None:
        self._held.append(block)
        self._ends += block.count(LINE_END)
        if self._ends < LINES:
            return
        text = b"".join(self._held)
        lines = text.split(LINE_END)
        whole = (len(lines) - 1) // LINES * LINES
        rest = LINE_END.join(lines[whole:])
        bare = [line.removesuffix(_RETURN) for line in lines] if _RETURN in text else lines
        if not _are_sound(bare[:whole]):
            self._check_each(lines[:whole])
        self.records += whole // LINES
        self._place += len(text) - len(rest)
        self._held, self._ends = [rest], len(lines) - 1 - whole

    def _check_each(self, lines: list[bytes]) -> None:
        place = self._place
        for first in range(0, len(lines), LINES):
            record = lines[first : first + LINES]
            check_record(record, self.records + first // LINES + 1, place)
            place += sum(map(len, record)) + LINES

    def close(self) -> None:
        """Check the last record, whose last line may lack its end."""
        rest = b"".join(self._held)
        if rest:
            check_record(rest.removesuffix(LINE_END).split(LINE_END), self.records + 1, self._place)
            self.records += 1
            self._held = []


def _are_sound(lines: list[bytes]) -> bool:
    """Return whether all records are; False, too, where only a look at each can say."""
    names, sequences, marks, qualities = (lines[number::LINES] for number in range(LINES))
    letters, firsts = b"".join(sequences) + b"".join(qualities), b"".join([sequence[:1] for sequence in sequences])
    return (
        list(map(len, sequences)) == list(map(len, qualities))
        and b"".join([name[:1] for name in names]).count(b"@") == len(names)
        and (marks.count(b"+") == len(marks) or marks == [b"+" + name[1:] for name in names])
        and not any(map(firsts.count, _NO_LETTERS))
        and not letters.translate(None, _PRINTABLE)
        and _RETURN not in b"".join(names)
    )
