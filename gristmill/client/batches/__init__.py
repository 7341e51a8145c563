"""Batches as a user starts and reads them: many runs of one pipeline, over files and values of parameters."""
