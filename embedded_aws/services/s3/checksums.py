"""S3's checksums of contents, read in blocks."""

import base64
import binascii
import hashlib
from collections.abc import Iterable


def checksum(data: bytes | Iterable[bytes], algorithm: str, encode_base64: bool = True) -> bytes:
    """Stand in for moto's compute_checksum, which wants all bytes at once."""
    blocks = (data,) if isinstance(data, bytes | bytearray) else data
    value = (_hash if algorithm in ("SHA1", "SHA256") else _crc32)(blocks, algorithm)
    return base64.b64encode(value) if encode_base64 else value


def _hash(blocks: Iterable[bytes], algorithm: str) -> bytes:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for block in blocks:
        digest.update(block)
    return digest.digest()


def _crc32(blocks: Iterable[bytes], _algorithm: str) -> bytes:
    """Return the CRC32; it stands for CRC32C and CRC64NVME too, as in moto, whose libraries for them are not there."""
    running = 0
    for block in blocks:
        running = binascii.crc32(block, running)
    return running.to_bytes(4, "big")
