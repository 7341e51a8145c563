"""Items of a list: which are read, and what is said of those that cannot be."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from gristmill.chunks.items import check_list, parse_item
from gristmill.errors import GristmillError, Refused
from gristmill.runs.pinned import ObjectVersion
from gristmill.storage import Storage
from gristmill.storage.folder import FolderStorage
from gristmill.storage.s3 import S3Storage
from gristmill.worker.child.items import listed


class Denied(S3Storage):
    """A store whose objects may not be read."""

    def head(self, key, version=None):
        answer = {"Error": {"Code": "403", "Message": "Forbidden"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        raise ClientError(answer, "HeadObject")


def test_an_item_is_its_text_or_the_object_that_it_names(store: Storage) -> None:
    store.put("inputs/list/a.bin", b"12345")
    named, text = listed(store, f" S3://{store.bucket}/inputs/list/a.bin\r\n"), listed(store, "\tsample 7 \n")
    assert (named.size, named.open().read()) == (5, b"12345")
    assert (text.size, text.open().read()) == (8, b"sample 7")
    assert (named.text, text.text) == (f"s3://{store.bucket}/inputs/list/a.bin", "sample 7")


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ("s3://other/inputs/a", "s3://other/inputs/a is in another bucket; a job can read this one alone: copy"),
        (
            "s3://mill/secret/a",
            "s3://mill/secret/a is not where jobs can read; "
            "they read inputs/, uploads/, references/, results/, runs/, work/",
        ),
        (
            "'s3://mill/inputs/a'",
            "'s3://mill/inputs/a' is not of the form s3://BUCKET/KEY; write it so, without quotes",
        ),
        ("s3://mill/inputs/none", "s3://mill/inputs/none does not exist."),
    ],
)
def test_an_item_that_cannot_be_read_says_why(store: Storage, item: str, fault: str) -> None:
    with pytest.raises(GristmillError) as caught:
        listed(store, item)
    assert fault in str(caught.value)


def test_an_item_that_the_role_may_not_read_says_so() -> None:
    with pytest.raises(GristmillError, match=r"s3://mill/inputs/secret may not be read: the role .* Jobs read inputs/"):
        listed(Denied("mill", None), "s3://mill/inputs/secret")


@pytest.mark.parametrize(
    "item",
    [
        "s3:\\\\mill\\results\\a",
        "s3 ://mill/a",
        "s3: //mill/a",
        "s3//mill/a",
        "S3:mill/a",
        "arn:aws:s3:::mill/a",
        "- s3a://mill/a",
    ],
)
def test_what_is_meant_as_an_object_is_not_handed_on_as_a_text(item: str) -> None:
    with pytest.raises(ValueError, match=r"is not of the form s3://BUCKET/KEY; write it so"):
        parse_item(item)


@pytest.mark.parametrize("item", ["s3/4", "S3: the third heart sound", "s3 bucket", "plasma s3://mill/a"])
def test_what_only_begins_as_an_object_is_a_text(item: str) -> None:
    assert parse_item(item).text == item


@pytest.mark.parametrize("item", ["\vword", "word\x1f\n", "\x85word", "wo\x1crd"])
def test_a_control_character_is_no_blank(item: str) -> None:
    with pytest.raises(ValueError, match=r"holds the character U\+00"):
        parse_item(item)


def checked(store: Storage, body: bytes) -> str:
    """Return why a dropped list is refused; nothing where it is taken."""
    store.put("inputs/p/list.txt", body)
    try:
        check_list(store, ObjectVersion(key="inputs/p/list.txt", version=None, etag="", size=len(body)))
    except Refused as refused:
        return str(refused)
    return ""


def test_a_list_is_checked_before_any_task_runs(store: Storage) -> None:
    for name in ("a", "two words", "it+em=1&ü?#%20"):
        store.put(f"results/{name}", b"x")
    objects = "s3://mill/results/a\r\n  S3://mill/results/two words\t\ns3://mill/results/it+em=1&ü?#%20\n"
    assert checked(store, f'{objects}plain "text" \n'.encode()) == ""
    bad = [
        b"s3://mill/results/a",
        b"S3://mill/results/a ",
        b"'s3://mill/results/a'",
        b"\xef\xbb\xbfs3://mill/results/a",
        b"s3a://mill/results/a",
        b"s3:/mill/results/a",
        b"s3://mill",
        b"s3://other/results/a",
        b"s3://mill/secret/a",
        b"te\x00xt",
        b"one\rtwo",
    ]
    refusal = checked(store, b"\n".join(bad))
    assert refusal.startswith(
        "inputs/p/list.txt: line 2: s3://mill/results/a stands on line 1 already; list each item once; "
    )
    assert refusal.endswith(" Correct the list, or the job that wrote it, and run again.")
    for number in range(2, len(bad) + 1):
        assert f"line {number}: " in refusal
    for fault in (
        "line 4: \\ufeffs3://mill/results/a holds the character U+FEFF",
        "line 8: s3://other/results/a is in another bucket",
        "line 10: te\\x00xt holds the character U+0000",
    ):
        assert fault in refusal


def test_objects_of_a_list_that_are_not_there_are_named_with_their_lines(store: Storage) -> None:
    store.put("results/two words", b"x")
    refusal = checked(store, b"s3://mill/results/none\ntext\ns3://mill/results/two%20words\n")
    assert "line 1: s3://mill/results/none does not exist; line 3: " in refusal
    assert "keys are written as they are: s3://mill/results/two words" in refusal


def test_of_many_faults_the_first_ones_are_named(store: Storage) -> None:
    refusal = checked(store, b"".join(b"s3://mill/results/%d\n" % number for number in range(50)))
    assert "line 10: " in refusal
    assert "line 11: " not in refusal
    assert "; 40 or more lines besides" in refusal


@given(
    st.lists(
        st.text(
            st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff"), min_size=1, max_size=9
        ),
        min_size=1,
    ),
    st.sampled_from(["", " ", "\t", "\u3000"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_text_is_an_item_without_the_blanks_around_it(texts: list[str], blank: str, end: str) -> None:
    texts = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    assert [parse_item(f"{blank}{text}{blank}{end}").text for text in texts] == texts


def test_a_trial_checks_what_can_be_known_without_a_bucket(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes(b"s3://any/inputs/a\n's3://any/inputs/b'\n")
    trial = FolderStorage(tmp_path / "folder", file, "inputs/p/list.txt")
    with pytest.raises(Refused, match=r"list.txt: line 2: 's3://any/inputs/b' is not of the form"):
        check_list(trial, ObjectVersion(key="inputs/p/list.txt", version=None, etag="", size=file.stat().st_size))
    with pytest.raises(
        Refused, match=r"a trial has no bucket to read s3://any/inputs/a from. Give the list to gristmill"
    ):
        listed(trial, "s3://any/inputs/a\n")
    assert listed(trial, "s3://none/inputs/p/list.txt").size == file.stat().st_size, "what a job calls the bucket"
