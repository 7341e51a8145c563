"""The record formats, plain and compressed: pure readers of bytes."""
