"""Merge: outputs joined server-side."""
