"""What file names show of their content: their suffix, and whether it is compressed."""

from pathlib import PurePosixPath

GZIP_MAGIC = b"\x1f\x8b"
_COMPRESSED = (".gz", ".bgz", ".bgzf", ".gzip")


def says_gzip(name: str) -> bool:
    """Return whether a name or its end says that the content is gzip, in blocks or not."""
    return name.lower().endswith(_COMPRESSED)


def plain_name(name: str) -> str:
    """Return a name as it is once the content is decompressed: `r.fastq.gz` was `r.fastq`."""
    return name.rpartition(".")[0] if says_gzip(name) else name


def plain_suffix(name: str) -> str:
    """Return how a name ends once the content is decompressed: `.fastq`, nothing where there is no such end."""
    return PurePosixPath(plain_name(name.rpartition("/")[2])).suffix


def stored_suffix(name: str) -> str:
    """Return how a name ends as it is stored: `.fastq.gz`."""
    return plain_suffix(name) + name.removeprefix(plain_name(name))
