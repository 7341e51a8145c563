"""The start, the proof and the end of an embedded AWS: its folder, its state file, its locks."""
