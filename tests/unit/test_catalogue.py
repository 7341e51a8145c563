"""The catalogue: a row says what a record says, never goes back, stays small, and is found by all that is asked."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from embedded_aws.services.cloudformation.template import parse
from gristmill.catalogue.entry import Entry
from gristmill.catalogue.rows import RUN, entry_in, rows
from gristmill.catalogue.table import Catalogue
from gristmill.catalogue.wanted import Wanted, question
from gristmill.enums import RunStatus
from gristmill.errors import Refused
from gristmill.limits import CATALOGUE_DAYS, S3_KEY_MAX_BYTES, TAG_NAME_MAX, TAG_VALUE_MAX, TAGS_MAX
from tests.project import PROJECT
from tests.unit.catalogues import TABLE, make_catalogue

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OWNERS, PIPELINES, BATCHES = ["miller", "Ärzte"], ["strings", "words"], [None, "sweep"]
TAGS: list[dict[str, str]] = [{}, {"sample": "s1"}, {"sample": "s1", "site": "north"}, {"sample": "s12"}]
STATUSES = [RunStatus.RUNNING, RunStatus.SUCCEEDED, RunStatus.FAILED]


def entry(number: int, **more: Any) -> Entry:
    return Entry.model_validate(
        {
            "run": f"{number:016x}",
            "fence": 1,
            "status": RunStatus.RUNNING,
            "execution": f"arn:{number}",
            "pipeline": "strings",
            "name": f"file-{number}.txt",
            "owner": "miller",
            "size": 5,
            "claimed_at": NOW + timedelta(minutes=number),
            "first_started_at": NOW,
            "started_at": NOW,
            **more,
        }
    )


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield make_catalogue()


# ---- writing


def test_an_entry_comes_back_as_it_was(catalogue: Catalogue):
    made = entry(1, tags={"sample": "s1", "site": "Zürich"}, batch="sweep", name="a/b c\n.txt", warnings=["w"])
    assert catalogue.note(made) == ""
    assert catalogue.find(made.run) == made
    assert catalogue.page(Wanted(), 10).entries == [made]
    assert catalogue.find(entry(2).run) is None


ORDER = [
    {"fence": 0, "status": RunStatus.FAILED},
    {"fence": 1, "status": RunStatus.RUNNING},
    {"fence": 1, "status": RunStatus.FAILED},
    {"fence": 2, "status": RunStatus.RUNNING},
    {"fence": 2, "status": RunStatus.SUCCEEDED},
]


@pytest.mark.parametrize("seed", range(20))
def test_in_whatever_order_writes_come_the_last_of_the_run_stands(catalogue: Catalogue, seed: int):
    """A late function changes nothing, of the run's row and of the copies for its tags."""
    written = [entry(1, tags={"sample": "s1"}, **more) for more in ORDER for _ in range(2)]
    random.Random(seed).shuffle(written)  # noqa: S311 - nothing is secret here
    assert [catalogue.note(each) for each in written] == [""] * len(written)
    (last,) = catalogue.page(Wanted(), 10).entries
    assert (last.fence, last.status) == (2, RunStatus.SUCCEEDED)
    assert catalogue.page(Wanted(tags={"sample": "s1"}), 10).entries == [last]
    running = catalogue.page(Wanted(status=RunStatus.RUNNING), 10).entries
    assert running == []


class Broken:
    """DynamoDB that does not answer, or refuses."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def put_item(self, **_asked: Any) -> None:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://aws"),
        ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "PutItem"),
        ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "PutItem"),
    ],
)
def test_what_cannot_be_written_is_told_and_raises_nothing(error: Exception):
    assert Catalogue(TABLE, Broken(error)).note(entry(1)) == str(error)


def test_a_rebuild_replaces_only_what_it_has_seen(catalogue: Catalogue):
    run = entry(1).run
    assert catalogue.version(run) is None
    catalogue.note(entry(1, fence=2))
    assert not catalogue.replace(entry(1), None)  # it came meanwhile
    assert not catalogue.replace(entry(1), 2)
    assert catalogue.replace(entry(1), 4)  # whatever stands there, a rebuild may go back to what the record says
    assert catalogue.find(run) == entry(1)


def test_rows_that_are_none_keep_no_other_from_view(catalogue: Catalogue):
    catalogue.note(entry(9))
    place = {"kind": {"S": RUN}, "place": {"S": "2026-02"}}
    for number, text in enumerate(["", "{}", entry(7).model_dump_json()]):  # the last is of another run
        row = {**place, "id": {"S": f"{number:016x}"}, "entry": {"S": text}, "version": {"N": "1"}}
        catalogue.client.put_item(TableName=TABLE, Item=row if text else {**row, "entry": {"N": "1"}})
    page = catalogue.page(Wanted(), 10)
    assert ([each.run for each in page.entries], page.unreadable) == ([entry(9).run], 3)
    assert catalogue.replace(entry(0), 1)  # a rebuild writes it anew
    assert catalogue.find(entry(0).run) == entry(0)


def test_rows_are_small_whatever_the_run_is_called():
    tags = {f"{number}".rjust(TAG_NAME_MAX, "n"): "v" * TAG_VALUE_MAX for number in range(TAGS_MAX)}
    longest = {"name": "n" * S3_KEY_MAX_BYTES, "owner": "o" * 100, "tags": tags, "warnings": ["w" * 300] * 3}
    sizes = [sum(len(json.dumps(value)) for value in row.values()) for row in rows(entry(1, **longest))]
    assert len(sizes) == 1 + TAGS_MAX
    assert max(sizes) < 12 * 1024
    (usual,) = (sum(len(json.dumps(value)) for value in row.values()) for row in rows(entry(1)))
    assert usual < 1024  # a write unit


# ---- reading


@cache
def everything() -> list[Entry]:
    """Return a run of each kind, in a drawn order of time."""
    kinds = [
        {"owner": owner, "pipeline": pipeline, "batch": batch, "tags": tags, "status": status}
        for owner in OWNERS
        for pipeline in PIPELINES
        for batch in BATCHES
        for tags in TAGS
        for status in STATUSES
    ]
    random.Random(1).shuffle(kinds)  # noqa: S311 - nothing is secret here
    return [entry(number, **kind) for number, kind in enumerate(kinds)]


@pytest.fixture(scope="module")
def filled() -> Iterator[Catalogue]:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys.items():
            patch.setenv(name, value)
        with mock_aws():
            made = make_catalogue()
            assert [made.note(each) for each in everything()] == [""] * len(everything())
            yield made


def all_pages(catalogue: Catalogue, wanted: Wanted, limit: int) -> list[Entry]:
    """Return the runs of all pages, one after another."""
    found: list[Entry] = []
    after = None
    while True:
        page = catalogue.page(wanted, limit, after)
        assert len(page.entries) <= limit
        found += page.entries
        if page.after is None:
            return found
        after = page.after


WANTED = st.builds(
    Wanted,
    pipeline=st.sampled_from([None, "strings", "none"]),
    owner=st.sampled_from([None, "Ärzte"]),
    status=st.sampled_from([None, *STATUSES]),
    batch=st.sampled_from([None, "sweep"]),
    tags=st.sampled_from([{}, {"sample": "s1"}, {"site": "north"}, {"sample": "s1", "site": "north"}, {"site": "nor"}]),
    search=st.sampled_from([None, "FILE-1", "sample=s1\n", "ärzte", "%"]),
    since=st.sampled_from([None, NOW + timedelta(minutes=40)]),
)


@given(WANTED, st.sampled_from([1, 3, 50, 1000]))
def test_pages_together_have_every_wanted_run_once_newest_first(filled: Catalogue, wanted: Wanted, limit: int):
    expected = [each for each in reversed(everything()) if wanted.matches(each)]
    assert all_pages(filled, wanted, limit) == expected


def test_each_filter_has_its_index_and_the_rarest_goes_first():
    assert question(Wanted()).index == "by-kind"
    assert question(Wanted(pipeline="a", owner="b")).index == "by-owner"
    assert question(Wanted(pipeline="a", owner="b", status=RunStatus.FAILED)).index == "by-status"
    assert question(Wanted(pipeline="a", status=RunStatus.SUCCEEDED)).index == "by-pipeline"
    assert question(Wanted(pipeline="a", batch="b")).index == "by-batch"
    assert question(Wanted(batch="b", tags={"c": "d"})).hash == ("kind", "tag c=d")
    indexes = {index["IndexName"] for index in table()["GlobalSecondaryIndexes"]}
    assert indexes == {f"by-{name}" for name in ("kind", "owner", "pipeline", "status", "batch")}


def table() -> dict[str, Any]:
    properties: dict[str, Any] = parse((PROJECT / "template.yaml").read_text())["Resources"]["Catalogue"]["Properties"]
    return properties


@pytest.mark.parametrize("cursor", ["", "x", "e30", "bnVsbA", "ä", "eyJraW5kIjogMX0"])
def test_what_is_no_cursor_is_refused_with_the_mend(cursor: str):
    with pytest.raises(Refused, match="Give --after as the list before printed it"):
        question(Wanted()).start(cursor)


def test_a_cursor_of_other_filters_is_refused(filled: Catalogue):
    after = filled.page(Wanted(owner="miller"), 1).after
    assert after
    for other in (Wanted(), Wanted(owner="Ärzte"), Wanted(tags={"sample": "s1"})):
        with pytest.raises(Refused):
            question(other).start(after)


def test_ids_are_found_by_their_first_digits(filled: Catalogue):
    assert [each.run for each in filled.starting_with("000000000000000", 3)] == [entry(n).run for n in range(3)]
    assert filled.starting_with("f", 3) == []


def test_rows_live_as_long_as_results():
    rules = parse((PROJECT / "template.yaml").read_text())["Resources"]["Bucket"]["Properties"]
    (days,) = [rule["ExpirationInDays"] for rule in rules["LifecycleConfiguration"]["Rules"] if rule["Id"] == "results"]
    assert days == CATALOGUE_DAYS
    (row,) = rows(entry(1))
    assert int(row["expires"]["N"]) == int((entry(1).claimed_at + timedelta(days=days)).timestamp())
    assert table()["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}


def test_an_entry_of_a_later_contract_is_not_guessed_at():
    (row,) = rows(entry(1))
    text = json.loads(row["entry"]["S"])
    for changed in ({**text, "contract": 2}, {**text, "more": 1}):
        assert entry_in({**row, "entry": {"S": json.dumps(changed)}}) is None
