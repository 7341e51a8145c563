"""The embedded S3's bytes and listings, held against plain ones."""

import gc
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.s3.models import FakeKey
from moto.s3.utils import metadata_from_headers
from waitress.adjustments import Adjustments

from embedded_aws.server.connections import Parser
from embedded_aws.services.s3 import blobs, listing
from embedded_aws.services.s3.bodies import IncompleteBody, _unwrapped
from embedded_aws.services.s3.content import Content, content_of
from embedded_aws.services.s3.metadata import as_s3_keeps_them


@pytest.fixture(scope="module")
def store() -> Iterator[blobs.Blobs]:
    """Give a store that puts nearly all into files."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(blobs, "_SMALL", 16)
        patch.setattr(blobs, "_HELD", 64)
        gc.collect()
        gc.freeze()  # what other tests have left is not looked at in each collection
        yield blobs.Blobs(Path(folder) / "objects")
        gc.unfreeze()


@given(
    parts=st.lists(st.binary(max_size=50), max_size=6),
    cuts=st.lists(st.tuples(st.integers(-5, 320), st.integers(-5, 320)), max_size=4),
)
def test_a_content_cuts_and_joins_as_bytes_do(store: blobs.Blobs, parts: list[bytes], cuts: list[tuple[int, int]]):
    content = Content(span for part in parts for span in content_of(part, store).spans)
    plain = b"".join(parts)
    for start, end in cuts:
        content, plain = content[start:end].kept(store), plain[start:end]
    assert (bytes(content), len(content)) == (plain, len(plain))


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_bytes_and_files_go_with_what_refers_to_them(store: blobs.Blobs, parts: list[bytes]):
    contents = [content_of(part, store) for part in parts]
    kept = [content[:40].kept(store) for content in contents]
    assert store.held <= 64
    del contents
    assert [bytes(content) for content in kept] == [part[:40] for part in parts]
    del kept
    gc.collect()
    assert store.held == 0
    assert not store.folder.exists() or not list(store.folder.glob("[!.]*"))


def test_a_kept_piece_needs_at_most_twice_its_room(store: blobs.Blobs):
    whole = content_of(bytes(1000), store)
    for size in (1, 100, 499, 500, 1000):
        assert sum(span.blob.size for span in whole[:size].kept(store).spans) <= 2 * size


def test_a_failed_write_leaves_nothing(store: blobs.Blobs, monkeypatch: pytest.MonkeyPatch):
    def full(*_arguments: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(blobs.os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        content_of(bytes(1000), store)
    gc.collect()
    assert list(store.folder.glob("[!.]*")) == []


@given(st.lists(st.binary(min_size=1, max_size=70)), st.sampled_from([b"", b";chunk-signature=abc"]))
def test_chunks_are_unwrapped(store: blobs.Blobs, chunks: list[bytes], signature: bytes):
    wire = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), signature, chunk) for chunk in chunks)
    end = b"0%b\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n" % signature
    content, trailers = _unwrapped(content_of(wire + end, store))
    assert bytes(content) == b"".join(chunks)
    assert trailers == {"x-amz-checksum-crc32": "AAAAAA=="}
    with pytest.raises(IncompleteBody):
        _unwrapped(content_of(wire, store))


NAMES = st.text("ab/~\u00fc\U0010ffff", min_size=1, max_size=5)


def filled(names: set[str]) -> listing.Keys:
    keys = listing.Keys()
    for name in names:
        keys.setlist(name, [name])
    return keys


def plain_entries(names: set[str], prefix: str, delimiter: str, after: str) -> list[str]:
    found = set()
    for name in names:
        if name.startswith(prefix) and name > after:
            rest = name[len(prefix) :]
            is_in_folder = delimiter and delimiter in rest
            found.add(prefix + rest.partition(delimiter)[0] + delimiter if is_in_folder else name)
    return sorted(entry for entry in found if entry > after)


@given(
    st.sets(NAMES), st.sampled_from(["", "a", "a/", "b"]), st.sampled_from(["", "/", "a"]), st.text("ab/~", max_size=3)
)
def test_entries_are_what_a_search_of_all_names_finds(names, prefix, delimiter, after):
    found = [name for name, _ in filled(names).entries(prefix, delimiter, after, live=False)]
    assert found == plain_entries(names, prefix, delimiter, after)


def version(name: str, number: int) -> FakeKey:
    return FakeKey(name, b"", account_id="1", region_name="us-east-1", version_id=str(number))


@given(st.dictionaries(NAMES, st.integers(1, 3)), st.sampled_from(["", "/"]), st.integers(1, 4))
def test_pages_of_versions_in_a_row_are_the_whole(counts: dict[str, int], delimiter: str, size: int):
    bucket = SimpleNamespace(keys=listing.Keys())
    for name, count in counts.items():
        bucket.keys.setlist(name, [version(name, number) for number in range(count)])
    backend = SimpleNamespace(get_bucket=lambda _: bucket)
    found: list[tuple[str, str, bool]] = []
    key, last = None, None
    for _ in range(sum(counts.values()) + 1):
        page, folders, _, key, last = listing.list_object_versions(
            backend, "b", delimiter, key, size, version_id_marker=last
        )
        found += [(row.name, row.version_id, row.is_latest) for row in page] + [(name, "", False) for name in folders]
        if key is None:
            break
    entries = plain_entries(set(counts), "", delimiter, "")
    assert sorted(found) == sorted(
        row
        for name in entries
        for row in (
            [(name, str(number), number == counts[name] - 1) for number in range(counts[name])]
            if name in counts and not (delimiter and delimiter in name)
            else [(name, "", False)]
        )
    )


@given(st.lists(st.tuples(NAMES, st.booleans())))
def test_names_stay_in_order_as_keys_come_and_go(steps):
    keys, there = listing.Keys(), set()
    for name, comes in steps:
        if comes:
            keys.setlist(name, [name])
            there.add(name)
        elif name in there:
            keys.pop(name)
            there.remove(name)
    assert [name for name, _ in keys.entries("", "", "", live=False)] == sorted(there)


def connections(limit: str) -> list[int]:
    """Return how many connections a server takes under a `ulimit`, and how many files it may open then."""
    code = (
        "import resource; from embedded_aws.server.connections import connection_limit; "
        "print(connection_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    command = ["bash", "-c", f'ulimit {limit}; exec "$@"', "-", sys.executable, "-c", code]
    return [int(word) for word in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


def test_a_low_limit_on_open_files_is_raised_where_it_may_and_lived_with_where_not():
    assert connections("-n 256") == [102, 256, 256]
    assert connections("-n 1000; ulimit -Sn 256") == [400, 1000, 1000]


def test_a_body_without_room_is_refused_before_it_is_sent(store: blobs.Blobs, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blobs.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    monkeypatch.setattr(Parser, "store", store, raising=False)
    parser = Parser(Adjustments())
    parser.received(b"PUT /b/k HTTP/1.1\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
    assert (parser.completed, parser.expect_continue) == (True, False)
    status, _, body = parser.error.to_response()
    assert status.startswith("503 ")
    assert f"{store.folder}: No space left on device" in body.decode()


def test_metadata_beyond_ascii_come_back_as_s3_gives_them():
    """The very example of the Amazon S3 user guide, Working with object metadata."""
    sent = {"x-amz-meta-nonascii": "ÄMÄZÕÑ S3".encode().decode("latin-1"), "x-amz-meta-ascii": "AMAZONS3"}
    kept = as_s3_keeps_them(metadata_from_headers)(sent)
    assert kept["x-amz-meta-nonascii"] == "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?="
    assert kept["x-amz-meta-ascii"] == "AMAZONS3"
