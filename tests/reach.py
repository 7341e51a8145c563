"""Whether patterns with `*` and `?`, as in IAM policies, have a text in common that others do not match."""

from collections.abc import Iterable, Sequence

_ELSE = "\0"  # stands for every character that is in no pattern


def witness(wanted: Sequence[str], unwanted: Iterable[str] = ()) -> str | None:
    """Return a text that all of `wanted` match and none of `unwanted`, None where there is none.

    Patterns are walked together, character by character, each as the set of places that it can be at.
    """
    patterns = [*wanted, *unwanted]
    alphabet = [*sorted({letter for pattern in patterns for letter in pattern} - {"*", "?"}), _ELSE]
    start = tuple(_closed(pattern, {0}) for pattern in patterns)
    seen, waiting = {start}, [(start, "")]
    while waiting:
        places, text = waiting.pop(0)
        ends = [len(pattern) in place for pattern, place in zip(patterns, places, strict=True)]
        if all(ends[: len(wanted)]) and not any(ends[len(wanted) :]):
            return text
        for letter in alphabet:
            moved = tuple(_moved(pattern, place, letter) for pattern, place in zip(patterns, places, strict=True))
            if all(moved[: len(wanted)]) and moved not in seen:
                seen.add(moved)
                waiting.append((moved, text + letter))
    return None


def _moved(pattern: str, places: frozenset[int], letter: str) -> frozenset[int]:
    after = {place if pattern[place] == "*" else place + 1 for place in places if _takes(pattern, place, letter)}
    return _closed(pattern, after)


def _takes(pattern: str, place: int, letter: str) -> bool:
    return place < len(pattern) and pattern[place] in ("*", "?", letter)


def _closed(pattern: str, places: Iterable[int]) -> frozenset[int]:
    """Return places with those that a `*`, which may stand for nothing, leads on to."""
    found = set(places)
    for place in sorted(found):
        while place < len(pattern) and pattern[place] == "*":
            place += 1
            found.add(place)
    return frozenset(found)
