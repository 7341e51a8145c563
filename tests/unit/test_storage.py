"""Every storage keeps the same promises, and nobody but the storage room speaks to S3."""

import ast
import io
from collections.abc import Callable
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from gristmill.errors import Changed
from gristmill.storage import Piece, Storage
from gristmill.storage.folder import FolderStorage
from gristmill.storage.one_file import OneFileStorage

ROOT = Path(__file__).parents[2]
DROPPED = b"grist for the mill"
KEY = "inputs/strings/grist.txt"


@pytest.fixture(params=["s3", "folder", "one file"])
def any_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Return a storage that holds one dropped file."""
    file = tmp_path / "grist.txt"
    file.write_bytes(DROPPED)
    if request.param == "folder":
        return FolderStorage(tmp_path / "bucket", file, KEY)
    if request.param == "one file":
        return OneFileStorage(file, KEY, {})
    made: Storage = request.getfixturevalue("store")
    made.put(KEY, DROPPED)
    return made


def test_what_is_pinned_by_its_etag_is_read_or_it_has_changed(any_storage: Storage):
    etag = any_storage.put("runs/a", b"0123456789")
    assert any_storage.read("runs/a", 2, 5, None, etag) == b"234"
    any_storage.put("runs/a", b"0123456780")
    for end in (5, None):
        with pytest.raises(Changed, match="runs/a was replaced"):
            any_storage.read("runs/a", 2, end, None, etag)


def test_pieces_are_joined_as_they_were_pinned_or_not_at_all(any_storage: Storage):
    size = 5
    etags = [any_storage.put(f"work/{number}", b"x" * size) for number in range(2)]
    pieces = [Piece(f"work/{number}", 0, size, etag) for number, etag in enumerate(etags)]
    made = any_storage.compose("results/all", pieces, {}, "runs/scratch/")
    there = any_storage.head("results/all")
    assert there is not None
    assert (made.size, made.etag) == (there.size, there.etag) == (2 * size, made.etag)
    assert made.version in (None, there.version)
    any_storage.put("work/1", b"y" * size)
    with pytest.raises(Changed, match="work/1 was replaced"):
        any_storage.compose("results/more", pieces, {}, "runs/scratch/")


def test_what_is_written_is_read_back_whole_and_by_ranges(any_storage: Storage):
    any_storage.put("runs/a", b"0123456789")
    assert any_storage.read("runs/a") == b"0123456789"
    assert any_storage.read("runs/a", 2, 5) == b"234"
    assert any_storage.read("runs/a", 5, 5) == b""
    assert any_storage.read("runs/a", 7) == b"789"
    assert any_storage.find("runs/a", 3) == b"012"
    assert any_storage.read(KEY, 6, 9) == DROPPED[6:9]


def test_what_is_not_there_is_none(any_storage: Storage):
    assert any_storage.head("runs/none") is None
    assert any_storage.find("runs/none") is None
    any_storage.delete("runs/none")


def test_every_way_to_write_tells_the_etag_that_head_and_list_tell(any_storage: Storage):
    first = any_storage.put("runs/a", b"1")
    second = any_storage.upload("runs/b", io.BytesIO(b"22"))
    listed = {info.key: (info.size, info.etag) for info in any_storage.list("runs/")}
    assert listed == {"runs/a": (1, first), "runs/b": (2, second)}
    for key, (size, etag) in listed.items():
        head = any_storage.head(key)
        assert head is not None
        assert (head.size, head.etag) == (size, etag)


def test_a_conditional_write_loses_to_whoever_was_first(any_storage: Storage):
    assert any_storage.put_new("runs/a", b"1")
    assert not any_storage.put_new("runs/a", b"two")
    before = any_storage.head("runs/a")
    assert before is not None
    assert any_storage.put_if("runs/a", b"three", before.etag)
    assert not any_storage.put_if("runs/a", b"four and more", before.etag)
    assert any_storage.read("runs/a") == b"three"


def test_a_listing_is_in_the_order_of_keys_and_goes_on_behind_one(any_storage: Storage):
    for key in ("runs/c", "runs/a", "runs/b/x", "work/a"):
        any_storage.put(key, b"")
    assert [info.key for info in any_storage.list("runs/")] == ["runs/a", "runs/b/x", "runs/c"]
    assert [info.key for info in any_storage.list("runs/", "runs/b")] == ["runs/b/x", "runs/c"]
    any_storage.delete("runs/c")
    assert [info.key for info in any_storage.list("runs/")] == ["runs/a", "runs/b/x"]


def test_pieces_are_joined_in_their_order(any_storage: Storage):
    any_storage.put("runs/a", b"0123")
    pieces = [Piece("runs/a", 2, 4), Piece(KEY, 0, 5), Piece("runs/a", 0, 1)]
    any_storage.compose("results/all", pieces, {"gristmill-run": "r"}, "runs/scratch/")
    assert any_storage.read("results/all") == b"23grist0"


def test_what_may_not_appear_does_not(any_storage: Storage):
    def refuse() -> None:
        raise PermissionError("stopped")

    with pytest.raises(PermissionError):
        any_storage.compose("results/all", [Piece(KEY, 0, 5)], {}, "runs/scratch/", refuse)
    assert any_storage.head("results/all") is None


def test_requests_at_once_answer_in_order(any_storage: Storage):
    for number in range(9):
        any_storage.put(f"runs/{number}", b"%d" % number)
    work: Callable[[int], bytes] = lambda number: any_storage.read(f"runs/{number}")  # noqa: E731
    assert any_storage.together(work, range(9), 3) == [b"%d" % number for number in range(9)]


def _s3_calls() -> set[str]:
    """Return what methods of a client of S3 are called, those excepted that other services have too."""
    session = botocore.session.Session()
    others = {"sqs", "sns", "batch", "logs", "lambda", "stepfunctions", "events", "cloudformation", "sts", "ec2", "iam"}
    shared = {operation for service in others for operation in session.get_service_model(service).operation_names}
    own = set(session.get_service_model("s3").operation_names) - shared
    extra = {"upload_fileobj", "upload_file", "download_fileobj", "download_file", "generate_presigned_url"}
    return {xform_name(operation) for operation in own} | extra


def test_nobody_but_the_storage_room_speaks_to_s3():
    calls = _s3_calls()
    assert {"put_object", "list_objects_v2", "upload_part"} <= calls
    found = []
    for path in sorted([*ROOT.glob("gristmill/**/*.py"), *ROOT.glob("functions/**/*.py")]):
        if path.is_relative_to(ROOT / "gristmill" / "storage"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            spoken = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
            if isinstance(spoken, str) and spoken in calls:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {spoken}")
    assert found == []


def test_a_checked_write_lands_over_what_was_there_as_it_was_checked_and_asks_again_where_that_changed(any_storage):
    asked: list[int] = []

    def check() -> None:
        asked.append(len(asked))
        if len(asked) == 1:
            any_storage.put("runs/checked", b"another's, larger")
        if len(asked) > 2:
            raise ValueError("not admitted")

    any_storage.put_checked("runs/checked", b"mine", check)
    assert (len(asked), any_storage.read("runs/checked")) == (2, b"mine")
    with pytest.raises(ValueError, match="not admitted"):
        any_storage.put_checked("runs/checked", b"late", check)
    assert any_storage.read("runs/checked") == b"mine"
