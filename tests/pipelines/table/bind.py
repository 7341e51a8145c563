"""Joins the files of a folder in their order, with a line between them."""

import sys
from pathlib import Path

folder, made = map(Path, sys.argv[1:])
made.write_bytes(b"--\n".join(file.read_bytes() for file in sorted(folder.iterdir())))
