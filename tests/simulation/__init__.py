"""Deterministic simulation: the real functions, children and state machine, on a virtual clock, under faults."""
