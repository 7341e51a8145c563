"""Gristmill: drop a file into a bucket; it is split, mapped over AWS Batch, merged, verified and reported."""

__version__ = "0.1.0"
