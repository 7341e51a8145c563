"""Write the demo's input: lines of words, some empty, some with CRLF, some beyond ASCII, the last one unfinished."""

import random
import sys
from pathlib import Path

WORDS = [
    "grist",
    "mill",
    "stone",
    "wheel",
    "water",
    "grain",
    "flour",
    "sack",
    "müller",
    "moulin",
    "挽き臼",
    "мельница",
    "🌾",
]


def line(chance: random.Random) -> str:
    """Return one line with its end."""
    words = chance.choices(WORDS, k=chance.randint(0, 9))
    return " ".join(words) + chance.choice(["\n"] * 9 + ["\r\n"])


def main() -> None:
    """Write `lines` lines to `path`, the same ones each time."""
    path, lines = Path(sys.argv[1]), int(sys.argv[2])
    chance = random.Random(1)  # noqa: S311 - a sample, not a secret
    text = "".join(line(chance) for _ in range(lines - 1)) + "no line end here"
    path.write_bytes(text.encode())


if __name__ == "__main__":
    main()
