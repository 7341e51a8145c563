"""Lambda of the embedded AWS: the functions' own code, in processes of their own."""

from gristmill.local.functions.patch import close, install

__all__ = ["close", "install"]
