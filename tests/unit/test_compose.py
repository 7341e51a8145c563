"""Laying pieces out as multipart parts: S3's rules hold for any sizes, no byte is lost, and large ones are not read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.limits import MIB, S3_PART_MAX, S3_PART_MIN
from gristmill.storage import Piece
from gristmill.storage import compose as joining
from gristmill.storage.compose import parts

SIZES = st.one_of(
    st.integers(1, 3 * MIB),
    st.sampled_from([S3_PART_MIN - 1, S3_PART_MIN, S3_PART_MIN + 1, 2 * S3_PART_MIN - 1]),
    st.sampled_from([S3_PART_MAX - 1, S3_PART_MAX, S3_PART_MAX + 1, 2 * S3_PART_MAX + 1, 11 * S3_PART_MAX]),
)


def pieces(sizes: list[int]) -> list[Piece]:
    return [Piece(str(number), 7, 7 + size) for number, size in enumerate(sizes)]


@given(st.lists(SIZES, max_size=30))
def test_every_part_but_the_last_is_of_5_mib_to_5_gib(sizes):
    layout = [sum(piece.size for piece in part) for part in parts(pieces(sizes))]
    assert all(S3_PART_MIN <= size <= S3_PART_MAX for size in layout[:-1])
    assert all(0 < size <= S3_PART_MAX for size in layout[-1:])


@given(st.lists(SIZES, max_size=30))
def test_the_parts_are_the_pieces_in_order_byte_for_byte(sizes):
    places = [piece for part in parts(pieces(sizes)) for piece in part]
    joined: list[Piece] = []
    for piece in places:
        if joined and joined[-1].key == piece.key:
            assert joined[-1].end == piece.start
            joined[-1] = Piece(piece.key, joined[-1].start, piece.end)
        else:
            joined.append(piece)
    assert joined == pieces(sizes)


@given(st.lists(SIZES, max_size=30))
def test_what_passes_through_the_client_is_less_than_two_parts_per_run_of_small_pieces(sizes):
    """Promise 8: only what S3 does not take as a copy is read, and that is parts of 5 MiB at most."""
    for part in parts(pieces(sizes)):
        if len(part) > 1:
            assert sum(piece.size for piece in part) <= S3_PART_MIN


@pytest.mark.parametrize("sizes", [[], [3], [10, 20], [5 * MIB], [6 * MIB, 1, 6 * MIB, 2], [1] * 40 + [5 * MIB + 1]])
def test_the_object_is_the_pieces_whatever_their_sizes(store, sizes):
    bodies = [bytes([65 + number % 26]) * size for number, size in enumerate(sizes)]
    for number, body in enumerate(bodies):
        store.put(f"piece-{number}", b"skip" + body + b"skip")
    places = [Piece(f"piece-{number}", 4, 4 + len(body)) for number, body in enumerate(bodies)]
    store.compose("out", places, {"gristmill-tasks": "9"}, "scratch/")
    assert store.read("out") == b"".join(bodies)
    assert store.head("out").metadata == {"gristmill-tasks": "9"}


def test_more_parts_than_an_upload_takes_go_through_objects_that_are_cleared_away(store, monkeypatch):
    monkeypatch.setattr(joining, "S3_PARTS_MAX", 2)
    for number in range(3):
        store.put(f"piece-{number}", bytes([65 + number]) * S3_PART_MIN)
    places = [Piece(f"piece-{number}", 0, S3_PART_MIN) for number in range(3)]
    store.compose("out", places, {}, "scratch/")
    assert store.read("out") == b"".join(bytes([65 + number]) * S3_PART_MIN for number in range(3))
    assert list(store.list("scratch/")) == []


def test_an_upload_that_breaks_off_leaves_nothing(store):
    store.put("piece", b"x" * 2 * S3_PART_MIN)
    with pytest.raises(store.client.exceptions.ClientError):
        store.compose("out", [Piece("piece", 0, S3_PART_MIN), Piece("gone", 0, S3_PART_MIN)], {}, "scratch/")
    assert store.head("out") is None
    assert "Uploads" not in store.client.list_multipart_uploads(Bucket=store.bucket)
