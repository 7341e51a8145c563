"""Show a history in words: python -m tests.simulation SEED [KIND OF TROUBLE ... | calm]."""

import sys

from tests.simulation.history import play
from tests.simulation.trouble import KINDS


def main(arguments: list[str]) -> int:
    """Print the history of a seed, or with these kinds of trouble alone; return 1 if it breaks a law."""
    seed, *kinds = arguments
    unknown = set(kinds) - {*KINDS, "calm"}
    if unknown:
        sys.exit(f"there is no trouble called {', '.join(sorted(unknown))}; there is: {', '.join(KINDS)}, calm")
    world = play(int(seed), frozenset(kinds) - {"calm"} if kinds else None)
    print(f"seed {world.seed}, trouble: {', '.join(world.trouble.kinds) or 'none'}")
    print("\n".join(world.kernel.trace))
    for name, text in world.violations:
        print(f"broken: {name}: {text}")
    return 1 if world.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
