"""Whole runs on the embedded AWS, one kind of file, stage, fault or change after the other: what takes long."""
