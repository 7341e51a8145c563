"""The laws: what Gristmill promises, a function each. It gets the world and a fact, and returns how the fact breaks it.

The first line of each docstring is the law; docs/protocol.md says which promise it comes from.
"""

from tests.simulation.laws import bounds, catalogue, chains, green, missing, notices, owner, stop, stuck
from tests.simulation.laws.registry import Law, Memory, all_names, of

__all__ = [
    "Law",
    "Memory",
    "all_names",
    "bounds",
    "catalogue",
    "chains",
    "green",
    "missing",
    "notices",
    "of",
    "owner",
    "stop",
    "stuck",
]
