"""Odd files of every format, and the words that a refusal of each must have."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zlib
from dataclasses import dataclass

from tests.unit.reading import bgzip

LINES, TABLE, PLAIN_TABLE, JSON, FASTA, FASTQ, LIST, FIXED = (
    {"records": "lines", "bytes_per_task": 40},
    {"records": "csv", "records_per_task": 2, "header": True},
    {"records": "csv", "bytes_per_task": 20},
    {"records": "jsonl", "records_per_task": 3},
    {"records": "fasta", "bytes_per_task": 30},
    {"records": "fastq", "bytes_per_task": 30},
    {"records": "list"},
    {"records": "fixed", "record_bytes": 4, "header_bytes": 2, "records_per_task": 2},
)
HEADED_LINES = {**LINES, "header": True}
FASTQ_BY_RECORDS = {"records": "fastq", "records_per_task": 2}
TEXT = b"id,value\n1,one\n2,two\n3,three\n"
READS = b"".join(b"@r%d\nACGT\n+\nIIII\n" % number for number in range(20))
PROTEINS = b"".join(b">s%d\nMKVLA\nMKV\n" % number for number in range(20))
VALUES = b"".join(b'{"v": %d}\n' % number for number in range(20))


def with_line(text: bytes, number: int, line: bytes) -> bytes:
    """Return a text with another line in place of one."""
    lines = text.split(b"\n")
    lines[number] = line
    return b"\n".join(lines)


def cr(text: bytes) -> bytes:
    return text.replace(b"\n", b"\r")


def tar(text: bytes) -> bytes:
    """Return an archive of a file."""
    made, entry = io.BytesIO(), tarfile.TarInfo("table.csv")
    entry.size = len(text)
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(entry, io.BytesIO(text))
    return made.getvalue()


def flipped(body: bytes, place: int) -> bytes:
    return body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :]


def block(data: bytes, ahead: bytes = b"", behind: bytes = b"", size: int | None = None) -> bytes:
    """Return a BGZF block with other subfields beside its own, and maybe a wrong size of its data."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = packer.compress(data) + packer.flush()
    extra = 6 + len(ahead) + len(behind)
    length = struct.pack("<H", 12 + extra + len(body) + 8 - 1)
    head = (
        b"\x1f\x8b\x08\x04"
        + bytes(4)
        + b"\x00\xff"
        + struct.pack("<H", extra)
        + ahead
        + b"BC\x02\x00"
        + length
        + behind
    )
    return head + body + struct.pack("<II", zlib.crc32(data), len(data) if size is None else size)


END = block(b"")
OTHER = b"XY\x03\x00abc"
BGZF = bgzip(READS, 100)
STORED = zlib.compressobj(0, zlib.DEFLATED, 31)
NOT_COMPRESSED = STORED.compress(READS) + STORED.flush()


@dataclass(frozen=True)
class Odd:
    """A file that must be refused, with these words among others."""

    split: dict
    body: bytes
    words: tuple[str, ...]


REFUSED = {
    # encodings of text
    "UTF-16 of a Windows program": Odd(
        LINES,
        TEXT.decode().encode("utf-16"),
        ("byte 0: the text is UTF-16LE", "(BOM, FF FE)", "iconv -f UTF-16 -t UTF-8"),
    ),
    "UTF-16 big-endian": Odd(LINES, b"\xfe\xff" + TEXT.decode().encode("utf-16-be"), ("UTF-16BE", "(BOM, FE FF)")),
    "UTF-32": Odd(TABLE, TEXT.decode().encode("utf-32"), ("UTF-32LE", "(BOM, FF FE 00 00)", "iconv -f UTF-32 ")),
    "UTF-32 big-endian": Odd(JSON, b"\0\0\xfe\xff" + VALUES.decode().encode("utf-32-be"), ("UTF-32BE",)),
    "UTF-16 without a mark": Odd(
        TABLE, TEXT.decode().encode("utf-16-le"), ("UTF-16LE without a byte order mark", "iconv -f UTF-16LE ")
    ),
    "UTF-16 big-endian without a mark": Odd(LINES, TEXT.decode().encode("utf-16-be"), ("UTF-16BE without",)),
    "UTF-32 without a mark": Odd(FASTA, PROTEINS.decode().encode("utf-32-le"), ("UTF-32LE without",)),
    "UTF-32 big-endian without a mark": Odd(FASTQ, READS.decode().encode("utf-32-be"), ("UTF-32BE without",)),
    "list in UTF-16": Odd(LIST, "s3://b/k\n".encode("utf-16"), ("UTF-16LE", "iconv")),
    **{
        f"BOM before {split['records']}": Odd(
            split, b"\xef\xbb\xbf" + text, ("byte 0: a UTF-8 byte order mark (BOM, EF BB BF)", "tail -c +4 FILE")
        )
        for split, text in (
            (LINES, TEXT),
            (TABLE, TEXT),
            (JSON, VALUES),
            (FASTA, PROTEINS),
            (FASTQ, READS),
            (LIST, b"s3://b/k\n"),
        )
    },
    # line ends
    **{
        f"CR alone in {name}": Odd(
            split, cr(text), (f"byte {text.index(10)}: lines end with CR alone", "no LF", r"tr '\r' '\n' < FILE")
        )
        for name, split, text in (
            ("lines", LINES, TEXT),
            ("lines with a header", HEADED_LINES, TEXT),
            ("csv", PLAIN_TABLE, TEXT),
            ("csv with a header", TABLE, TEXT),
            ("jsonl", JSON, VALUES),
            ("fasta", FASTA, PROTEINS),
            ("fastq", FASTQ, READS),
            ("list", LIST, b"s3://b/k\ns3://b/l\n"),
        )
    },
    "one CR in a table": Odd(
        TABLE, b"a,b\n1,2\n3,4\r5,6\n", ("record 2, byte 11: a carriage return (CR)", "without LF")
    ),
    "one CR in FASTA": Odd(FASTA, b">a\nAC\rGT\n", ("byte 5: a carriage return (CR)",)),
    "one CR in FASTQ": Odd(FASTQ, READS + b"@x\rAC\n+\nII\nII\n", (f"byte {len(READS) + 2}: a carriage return (CR)",)),
    "one CR between values": Odd(JSON, b'{"v": 1}\r{"v": 2}\n', ("byte 8: a carriage return (CR)",)),
    "one CR in a list": Odd(LIST, b"a\nb\rc\n", ("record 2, byte 3: a carriage return (CR)",)),
    # not text at all
    "bzip2": Odd(LINES, bz2.compress(TEXT), ("byte 0: this is bzip2, not text", "Decompress")),
    "xz": Odd(TABLE, lzma.compress(TEXT), ("this is xz",)),
    "zstd": Odd(FASTQ, b"\x28\xb5\x2f\xfd" + bytes(20), ("this is zstd",)),
    "lz4": Odd(LINES, b"\x04\x22\x4d\x18" + bytes(20), ("this is lz4",)),
    "a spreadsheet": Odd(TABLE, b"PK\x03\x04" + bytes(30), ("a ZIP archive (as XLSX files are)",)),
    "7-Zip": Odd(FASTA, b"7z\xbc\xaf\x27\x1c" + bytes(30), ("7-Zip",)),
    "Parquet": Odd(JSON, b"PAR1" + bytes(30) + b"PAR1", ("this is Parquet",)),
    "HDF5": Odd(LINES, b"\x89HDF\r\n\x1a\n" + bytes(30), ("this is HDF5",)),
    "tar": Odd(TABLE, tar(TEXT), ("this is a tar archive, not text",)),
    "tar in gzip": Odd(
        TABLE, gzip.compress(tar(TEXT), mtime=0), ("byte 0 of the decompressed data: this is a tar archive",)
    ),
    "an empty ZIP": Odd(TABLE, b"PK\x05\x06" + bytes(18), ("a ZIP archive",)),
    "RAR": Odd(LINES, b"Rar!\x1a\x07\x01\0" + TEXT, ("this is a RAR archive",)),
    "an old spreadsheet": Odd(TABLE, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(30) + TEXT, ("as XLS files are",)),
    "lzma": Odd(TABLE, lzma.compress(TEXT, lzma.FORMAT_ALONE), ("this is lzma",)),
    "lzip": Odd(LINES, b"LZIP\x01" + TEXT, ("this is lzip",)),
    "compress": Odd(LINES, b"\x1f\x9d\x90" + TEXT, ("this is compressed (.Z)",)),
    "zstd in frames": Odd(LINES, b"\x50\x2a\x4d\x18\4\0\0\0" + TEXT, ("this is zstd",)),
    "SQLite": Odd(LINES, b"SQLite format 3\0" + TEXT, ("this is SQLite",)),
    "Arrow": Odd(LINES, b"ARROW1\0\0" + TEXT, ("this is Arrow",)),
    "BAM": Odd(LINES, bgzip(b"BAM\1" + TEXT), ("byte 0 of the decompressed data: this is BAM",)),
    "PNG": Odd(LINES, b"\x89PNG\r\n\x1a\n" + TEXT, ("this is a picture",)),
    "PDF": Odd(LINES, b"%PDF-1.7\nx\n", ("this is PDF",)),
    "a list in gzip": Odd(LIST, gzip.compress(b"s3://b/k\n", mtime=0), ("this is gzip, not text", "Decompress")),
    "gzip in gzip": Odd(
        FASTQ, gzip.compress(gzip.compress(READS), mtime=0), ("byte 0 of the decompressed data: this is gzip",)
    ),
    # gzip
    "empty gzip": Odd(
        FASTQ, gzip.compress(b"", mtime=0), ("byte 0: the file is empty: it is GZIP of no data", "Drop one")
    ),
    "gzip cut off": Odd(FASTQ, gzip.compress(READS, mtime=0)[:-9], ("the gzip file is cut off here", "gzip -t")),
    "gzip cut off in its header": Odd(
        FASTQ, gzip.compress(READS, mtime=0)[:8], ("byte 8: the gzip file is cut off here",)
    ),
    "gzip with rubbish behind": Odd(
        FASTQ,
        gzip.compress(READS, mtime=0) + b"rubbish",
        (f"byte {len(gzip.compress(READS, mtime=0))}: what follows the gzip data",),
    ),
    "gzip with a damaged block": Odd(FASTQ, flipped(NOT_COMPRESSED, 12), ("the gzip data is damaged", "byte ")),
    "gzip with damaged data": Odd(FASTQ, flipped(NOT_COMPRESSED, 30), ("does not agree with its checksum",)),
    "gzip with a wrong size": Odd(FASTQ, flipped(NOT_COMPRESSED, -1), ("does not agree with its checksum",)),
    "gzip in name alone": Odd(LINES, b"\x1f\x8brubbish and more", ("the gzip data is damaged at or behind this byte",)),
    "UTF-16 in gzip": Odd(
        TABLE, gzip.compress(TEXT.decode().encode("utf-16"), mtime=0), ("byte 0 of the decompressed data: the te",)
    ),
    "CR alone in gzip": Odd(
        LINES, gzip.compress(cr(TEXT), mtime=0), ("byte 8 of the decompressed data: lines end with CR alone",)
    ),
    "a stray quote in gzip": Odd(
        PLAIN_TABLE,
        gzip.compress(b'a\n1,5" disk\n', mtime=0),
        ("record 2, byte 5 of the decompressed data: a quote stands",),
    ),
    # BGZF
    "empty bgzip": Odd(FASTQ, END, ("the file is empty: it is BGZF of no data",)),
    "BGZF without its end": Odd(
        FASTQ, BGZF[: -len(END)], ("without its end-of-file block", "between two blocks", "bgzip")
    ),
    "BGZF cut between blocks": Odd(
        FASTQ, b"".join(map(block, (READS[:50], READS[50:99]))), ("without its end-of-file",)
    ),
    "BGZF cut in a block": Odd(FASTQ, BGZF[:-40], ("the file is cut off in the BGZF block that begins here",)),
    "BGZF with rubbish behind": Odd(
        FASTQ, BGZF + b"rubbish", (f"byte {len(BGZF)}: something that is not BGZF follows",)
    ),
    "BGZF with zeros behind": Odd(FASTQ, BGZF + bytes(512), (f"byte {len(BGZF)}: something that is not BGZF follows",)),
    "gzip behind BGZF": Odd(
        FASTQ, BGZF + gzip.compress(READS, mtime=0), ("gzip that is not BGZF follows", "zcat FILE | bgzip")
    ),
    "BGZF with a damaged block": Odd(
        FASTQ, block(READS) + flipped(block(READS), 19) + END, ("compressed data of the BGZF",)
    ),
    "BGZF with a wrong checksum": Odd(FASTQ, flipped(block(READS), -6) + END, ("does not agree with its checksum",)),
    "BGZF with a wrong size": Odd(FASTQ, block(READS, size=5) + END, (f"has {len(READS)} bytes of data, and says",)),
    "UTF-16 in BGZF": Odd(
        LINES, bgzip(TEXT.decode().encode("utf-16"), 9), ("byte 0 of the decompressed data: the text is",)
    ),
    "FASTQ as FASTA in BGZF": Odd(FASTA, BGZF, ("byte 0 of the decompressed data: expected > at the beginning",)),
    "a broken value in BGZF": Odd(
        JSON, bgzip(with_line(VALUES, 11, b"{"), 30), ("of the task's data, which begins in the BGZF block at byte",)
    ),
    # CSV
    "inch marks": Odd(
        TABLE, b'a,b\n1,5" disk\n2,"x\ny"\n3,3" disk\n', ("a quote stands in the middle of a field", "double")
    ),
    "an inch mark at a field's end": Odd(PLAIN_TABLE, b'1,12",x\n2,"y"\n', ("a quote stands in the middle", "byte 4")),
    "one inch mark": Odd(
        TABLE, b'a,b\n1,5" disk\n2,x\n', ("record 1, byte 7: a quote stands in the middle of a field",)
    ),
    "text behind a quote": Odd(PLAIN_TABLE, b'"a"b,c\n1,2\n', ("byte 3: expected a comma or a line end", "found b'b'")),
    "a quote not doubled": Odd(PLAIN_TABLE, b'"say "hi"",2\n', ("byte 6: expected a comma or a line end behind",)),
    "a blank before a quote": Odd(
        PLAIN_TABLE, b'a, "b"\n', ("byte 3: a quote stands in the middle", "Remove the blank")
    ),
    "a blank behind a quote": Odd(PLAIN_TABLE, b'"a" ,b\n', ("found b' '", "Remove the blank")),
    "tabs and quotes": Odd(PLAIN_TABLE, b'"a"\tb\n', ("found b'\\t'", "Commas separate fields: convert")),
    "a quote not closed": Odd(PLAIN_TABLE, b'1,"a\n2,b\n', ("record 1, byte 2: a quoted field is not closed", "Close")),
    "semicolons and quotes": Odd(
        PLAIN_TABLE, b'1;"a;b"\n', ("byte 2: a quote stands in the middle", "Commas separate fields: convert")
    ),
    "semicolons behind quotes": Odd(PLAIN_TABLE, b'"a\n";b\n', ("found b';'", "Commas separate fields: convert")),
    "a stray quote in the header": Odd(TABLE, b'a"b,c\n1,2\n', ("record 1, byte 1: a quote stands in the middle",)),
    "a header not closed": Odd(TABLE, b'a,"b\n1,2\n', ("record 1, byte 2: a quoted field is not closed",)),
    "a header of 2 MB": Odd(TABLE, b"a" * 2_000_000 + b"\n1\n", ("expected a header row of at most 1,048,576 bytes",)),
    "a header line of 2 MB": Odd(
        HEADED_LINES, b"a" * 2_000_000 + b"\n1\n", ("expected a header line of at most 1,048,576",)
    ),
    # JSON Lines
    "NaN": Odd(JSON, with_line(VALUES, 7, b'{"v": NaN}'), ("expected a JSON value (NaN is no JSON value)", "null")),
    "Infinity": Odd(JSON, b"1\n[Infinity]\n2\n", ("record 2, byte 2: ", "Infinity is no JSON value")),
    "minus Infinity": Odd(JSON, b"-Infinity\n", ("-Infinity is no JSON value",)),
    "a blank line of JSON": Odd(
        JSON, b"1\n\n2\n", ("record 2, byte 2: expected a JSON value, found a blank line", "Remove")
    ),
    "a blank last line of JSON": Odd(JSON, b"1\n2\n\n", ("byte 4: expected a JSON value, found a blank line",)),
    "a JSON array": Odd(JSON, b'[\n{"v": 1},\n{"v": 2}\n]\n', ("record 1, byte 0: expected a JSON value", "jq -c .")),
    "JSON cut off": Odd(JSON, VALUES[:-4], (f"byte {VALUES[:-1].rindex(10) + 1}: expected a JSON", "may be truncated")),
    "JSON in Latin-1": Odd(JSON, b'1\n"caf\xe9"\n2\n', ("record 2, byte 2: ", "not UTF-8 at byte 6", "iconv")),
    "JSON nested deeply": Odd(
        JSON, b"[" * 600 + b"]" * 600 + b"\n", ("at most 500 arrays and objects inside one another",)
    ),
    "JavaScript": Odd(JSON, b"{'v': 1}\n", ("record 1, byte 0: expected a JSON value (Expecting property name",)),
    "two values on a line": Odd(JSON, b"1 2\n", ("Extra data at its character 3", "one JSON value on each line")),
    # FASTA
    "no FASTA": Odd(FASTA, b"MKVLA\n", ("record 1, byte 0: expected > at the beginning", "found b'M'", "its name")),
    "FASTA behind a blank line": Odd(FASTA, b"\n" + PROTEINS, ("byte 0: ", "found a blank line", "Remove it")),
    "FASTQ as FASTA": Odd(FASTA, READS, ("expected > at the beginning of a FASTA record, found b'@'",)),
    # FASTQ
    "wrapped FASTQ": Odd(FASTQ, b"@a\nAC\nGT\n+\nII\nII\n", ("found b'GT'", "unwrapped first", "seqtk seq -l0")),
    "FASTQ with a blank last line": Odd(
        FASTQ, READS + b"\n", (f"byte {len(READS)}: ", "found a blank line", "Remove blank")
    ),
    "FASTQ with a blank last line by records": Odd(
        FASTQ_BY_RECORDS, READS + b"\n", ("record 21, ", "found a blank line")
    ),
    "FASTQ with blank lines": Odd(FASTQ, READS + b"\n" + READS, ("found a blank line",)),
    "FASTQ with a blank line in a record": Odd(FASTQ, b"@a\n\nAC\n+\nII\n", ("there is a blank line in the record",)),
    "FASTQ behind a blank line": Odd(FASTQ, b"\n" + READS, ("record 1, byte 0: ", "found a blank line")),
    "FASTQ cut off": Odd(FASTQ_BY_RECORDS, READS[:-6], ("record 20", "it has 3 of its 4 lines: the file is truncated")),
    "FASTQ cut off in its qualities": Odd(FASTQ, READS[:-3], ("expected 4 qualities, found 2", "copy or make")),
    "FASTQ with CRLF and LF": Odd(FASTQ, b"@a\r\nACG\r\n+\r\nIIII\n", ("expected 3 qualities, found 4",)),
    "FASTQ with two names": Odd(FASTQ, b"@a\nAC\n+b\nII\n", ("the name behind + differs from that behind @", "b'+b'")),
    "FASTQ with a blank in a sequence": Odd(FASTQ, b"@a\nA C\n+\nIII\n", ("printable ASCII without blanks", "b' '")),
    "FASTQ with + for bases": Odd(FASTQ, b"@a\n+C\n+\nII\n", ("a sequence cannot begin with +",)),
    "FASTA as FASTQ": Odd(FASTQ, PROTEINS, ("expected @ and a name, found b'>s0'",)),
    # sizes and lists
    "a record cut off": Odd(
        FIXED, b"hhaaaabbb", ("record 2, byte 6: expected 4 bytes", "ends after 3", "record_bytes")
    ),
    "a header cut off": Odd({**FIXED, "header_bytes": 9}, b"hh", ("expected a header of 9 bytes, the file has 2",)),
    "a blank item": Odd(LIST, b"a\n\nb\n", ("record 2, byte 2: expected an item on each line", "blank line", "Remove")),
    "a blank item between CRLF": Odd(LIST, b"a\r\n\r\nb\r\n", ("record 2, byte 3: ", "found a blank line")),
    "an item of blanks": Odd(LIST, b"a\n \t\n", ("record 2, byte 2: ", "found a blank line")),
    "an item in Latin-1": Odd(LIST, b"a\ncaf\xe9\n", ("record 2, byte 5: the item is not UTF-8", "iconv")),
}


@dataclass(frozen=True)
class Sound:
    """A file that only looks odd: its records, and the text of all tasks together (None: the file's own)."""

    split: dict
    body: bytes
    records: int
    text: bytes | None = None


READ = {
    "another subfield behind BGZF's own": Sound(FASTQ, block(READS, behind=OTHER) + END, 20, READS),
    "another subfield before BGZF's own": Sound(FASTQ, block(READS, ahead=OTHER) + END, 20, READS),
    "an end with another subfield": Sound(FASTQ, block(READS) + block(b"", ahead=OTHER), 20, READS),
    "BGZF joined from two": Sound(FASTQ, BGZF + BGZF, 40, READS * 2),
    "gzip joined from two": Sound(FASTQ, gzip.compress(READS, mtime=0) * 2, 40, READS * 2),
    "gzip with zeros behind": Sound(FASTQ, gzip.compress(READS, mtime=0) + bytes(100_000), 20, READS),
    "BGZF behind gzip": Sound(FASTQ, gzip.compress(READS, mtime=0) + BGZF, 40, READS * 2),
    "a number of 5,000 digits": Sound(JSON, b"9" * 5000 + b"\n-" + b"8" * 5000 + b".5\n", 2),
    "a number above all floats": Sound(JSON, b"1e999\n", 1),
    "JSON with CRLF": Sound(JSON, b"1\r\n2\r\n", 2),
    "JSON nested 500 deep": Sound(JSON, b"[" * 500 + b"]" * 500 + b"\n" + b"[{}," * 400 + b"{}" + b"]" * 400, 2),
    "many brackets in a text": Sound(JSON, b'["' + b"[{" * 600 + b'\\"[", "\\\\"]\n', 1),
    "FASTQ with both line ends": Sound(FASTQ, b"@a\r\nACG\n+\r\nIII\r\n", 1),
    "FASTQ with names behind +": Sound(FASTQ, b"@a b\nACG\n+a b\n@@@\n@c\n\n+\n\n", 2),
    "FASTA with blank lines": Sound(FASTA, b">a\n\nAC\n\n\n>b\n\n", 2),
    "a header alone": Sound(TABLE, b"a,b\n", 0),
    "a header alone, without its end": Sound(TABLE, b"a,b", 0),
    "a header line alone": Sound(HEADED_LINES, b"a b", 0),
    "a header alone in BGZF": Sound(TABLE, bgzip(b"a,b\n"), 0, b"a,b\n"),
    "a header alone in gzip": Sound(TABLE, gzip.compress(b"a,b\n", mtime=0), 0, b"a,b\n"),
    "a header of fixed records alone": Sound(FIXED, b"hh", 0),
    "letters as of Parquet": Sound(LINES, b"PAR1,X,10001\nPAR2,X,155701383\n", 2),
    "letters as of tar": Sound(LINES, b"m" * 257 + b"ustard\n", 1),
    "zeros in lines": Sound(LINES, b"a\0b\n\0\0\nend\0\n", 3),
    "CR within lines": Sound(LINES, b"10%\r20%\rdone\nnext\n", 2),
    "one line without its end": Sound(LINES, b"alone", 1),
    "quotes that are doubled, and line ends in fields": Sound(PLAIN_TABLE, b'"a ""b""\r\n"\r\n"",x\n', 2),
}
