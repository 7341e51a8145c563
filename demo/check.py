"""Compare the results of `strings` with the plainest possible way of computing them: line by line, in one process."""

import sys
from pathlib import Path


def split_end(line: str) -> tuple[str, str]:
    """Return a line's text and its end."""
    for end in ("\r\n", "\n"):
        if line.endswith(end):
            return line[: -len(end)], end
    return line, ""


def main() -> None:
    """Exit with a message unless both results are what they must be."""
    source, repeated, reversed_ = (Path(name).read_bytes().decode() for name in sys.argv[1:4])
    lines = [split_end(line) for line in _lines(source)]
    if repeated != "".join(text + text + end for text, end in lines):
        sys.exit("The result of `repeat` is wrong.")
    if reversed_ != "".join(text[::-1] + end for text, end in lines):
        sys.exit("The result of `reverse` is wrong.")
    print(f"Checked: {len(lines):,} lines, each repeated and reversed as they must be.")


def _lines(text: str) -> list[str]:
    """Cut after each LF only; str.splitlines knows line ends that a text file does not."""
    pieces = text.split("\n")
    return [piece + "\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])


if __name__ == "__main__":
    main()
