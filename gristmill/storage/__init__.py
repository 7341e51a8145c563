"""Where objects lie: S3, a folder of this machine, or one file, behind one protocol."""

from gristmill.storage.protocol import ObjectInfo, Piece, Storage

__all__ = ["ObjectInfo", "Piece", "Storage"]
