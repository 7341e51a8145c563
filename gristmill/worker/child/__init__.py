"""The child runner: one container that works through a contiguous slice of a branch's tasks."""
