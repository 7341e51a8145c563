"""Items of a list: which are read, and what is said of those that cannot be."""

import pytest
from botocore.exceptions import ClientError

from gristmill.errors import GristmillError
from gristmill.storage import Storage
from gristmill.storage.s3 import S3Storage
from gristmill.worker.child.items import listed


class Denied(S3Storage):
    """A store whose objects may not be read."""

    def head(self, key, version=None):
        answer = {"Error": {"Code": "403", "Message": "Forbidden"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        raise ClientError(answer, "HeadObject")


def test_an_item_is_its_text_or_the_object_that_it_names(store: Storage) -> None:
    store.put("inputs/list/a.bin", b"12345")
    named, text = listed(store, f"s3://{store.bucket}/inputs/list/a.bin"), listed(store, "sample 7")
    assert (named.size, named.open().read()) == (5, b"12345")
    assert (text.size, text.open().read()) == (8, b"sample 7")


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ("s3://other/inputs/a", "s3://other/inputs/a is in another bucket; a job can read this one alone: s3://mill/"),
        ("s3://mill/inputs/none", "s3://mill/inputs/none does not exist."),
    ],
)
def test_an_item_that_cannot_be_read_says_why(store: Storage, item: str, fault: str) -> None:
    with pytest.raises(GristmillError) as caught:
        listed(store, item)
    assert fault in str(caught.value)


def test_an_item_that_the_role_may_not_read_says_so() -> None:
    with pytest.raises(GristmillError, match=r"s3://mill/secret may not be read: the role .* Jobs read inputs/"):
        listed(Denied("mill", None), "s3://mill/secret")
