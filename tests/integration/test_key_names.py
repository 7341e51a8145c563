"""Keys of S3 with any character that AWS takes: written, read, listed, copied, put together and deleted."""

import pytest

from tests.integration.mill import Mill

NAMES = [
    "a\nb", "a\rb", "a\tb", "tail ", "tail\n", " lead", "a//b", "/a", "a/../b", "./a", "..", "a?b", "a#b", "a%20b",
    "a+b", "a&b=c", "a;b:c@d", "😀", "e\u0301", "\u00e9", "a\x7fb", "a<b>", "x" * 1000, "a\\b", "a'b\"c", "a\u2028b",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_key_is_carried_as_it_is(mill: Mill, name: str):
    s3, key = mill.client("s3"), f"names/{name}"
    at = {"Bucket": mill.bucket}
    s3.put_object(**at, Key=key, Body=b"x")
    assert s3.get_object(**at, Key=key)["Body"].read() == b"x"
    s3.copy_object(**at, Key=f"{key}+", CopySource={**at, "Key": key})
    upload = s3.create_multipart_upload(**at, Key=f"{key}%")["UploadId"]
    part = s3.upload_part(**at, Key=f"{key}%", UploadId=upload, PartNumber=1, Body=b"y")["ETag"]
    parts = {"Parts": [{"ETag": part, "PartNumber": 1}]}
    s3.complete_multipart_upload(**at, Key=f"{key}%", UploadId=upload, MultipartUpload=parts)
    made = [key, f"{key}%", f"{key}+"]
    assert [content["Key"] for content in s3.list_objects_v2(**at, Prefix=key, StartAfter=key)["Contents"]] == made[1:]
    assert [content["Key"] for content in s3.list_objects(**at, Prefix=key)["Contents"]] == made
    assert [version["Key"] for version in s3.list_object_versions(**at, Prefix=key)["Versions"]] == made
    assert _folders(s3.list_objects, mill) == _folders(s3.list_objects_v2, mill)
    s3.delete_objects(**at, Delete={"Objects": [{"Key": item} for item in made]})
    assert "Contents" not in s3.list_objects_v2(**at, Prefix=key)


def _folders(listing, mill: Mill) -> list[str]:
    return [
        prefix["Prefix"]
        for prefix in listing(Bucket=mill.bucket, Prefix="names/", Delimiter="/").get("CommonPrefixes", [])
    ]
