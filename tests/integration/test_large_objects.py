"""Large objects on the embedded AWS: joined from their parts, served by ranges, copied; none of it moves them whole."""

from functools import partial
from hashlib import new

import pytest
from botocore.exceptions import ClientError

from tests.integration.mill import Mill

MIB = 1024**2
md5 = partial(new, "md5", usedforsecurity=False)
PARTS = [bytes([65 + number]) * size for number, size in enumerate([5 * MIB, 5 * MIB + 3, 17])]
WHOLE = b"".join(PARTS)


def upload(s3, bucket: str, key: str, parts: list[bytes]) -> dict:
    names = {"Bucket": bucket, "Key": key}
    upload = s3.create_multipart_upload(**names)["UploadId"]
    done = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(**names, UploadId=upload, PartNumber=number, Body=part)["ETag"],
        }
        for number, part in enumerate(parts, start=1)
    ]
    return s3.complete_multipart_upload(**names, UploadId=upload, MultipartUpload={"Parts": done})


def read(s3, bucket: str, key: str, **more: str) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def test_an_upload_in_parts_is_one_object(mill: Mill):
    s3, bucket, key = mill.client("s3"), mill.bucket, "runs/large/whole"
    etag = upload(s3, bucket, key, PARTS)["ETag"].strip('"')
    digests = b"".join(md5(part).digest() for part in PARTS)
    assert etag == f"{md5(digests).hexdigest()}-3"
    head = s3.head_object(Bucket=bucket, Key=key)
    assert (head["ContentLength"], head["ETag"].strip('"')) == (len(WHOLE), etag)
    assert s3.head_object(Bucket=bucket, Key=key, PartNumber=2)["ContentLength"] == len(PARTS[1])
    assert read(s3, bucket, key) == WHOLE


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 1), (0, len(WHOLE)), (5 * MIB - 1, 5 * MIB + 1), (100, 10 * MIB + 5), (10 * MIB + 3, len(WHOLE))],
)
def test_a_range_may_cross_parts(mill: Mill, start, end):
    s3, bucket, key = mill.client("s3"), mill.bucket, "runs/large/ranges"
    if "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix=key):
        upload(s3, bucket, key, PARTS)
    answer = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{end - 1}")
    assert answer["ContentRange"] == f"bytes {start}-{end - 1}/{len(WHOLE)}"
    assert answer["Body"].read() == WHOLE[start:end]
    assert read(s3, bucket, key, Range="bytes=-20") == WHOLE[-20:]
    with pytest.raises(ClientError, match="InvalidRange"):
        read(s3, bucket, key, Range=f"bytes={len(WHOLE)}-")


def test_copies_outlive_the_original(mill: Mill):
    s3, bucket, key = mill.client("s3"), mill.bucket, "runs/large/original"
    upload(s3, bucket, key, PARTS)
    version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    source = {"Bucket": bucket, "Key": key}
    s3.copy_object(Bucket=bucket, Key="runs/large/copy", CopySource=source)
    names = {"Bucket": bucket, "Key": "runs/large/pieces"}
    made = s3.create_multipart_upload(**names)["UploadId"]
    bounds = [(0, 6 * MIB), (6 * MIB, len(WHOLE))]
    etags = [
        s3.upload_part_copy(
            **names, UploadId=made, PartNumber=number, CopySource=source, CopySourceRange=f"bytes={start}-{end - 1}"
        )["CopyPartResult"]["ETag"]
        for number, (start, end) in enumerate(bounds, start=1)
    ]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, start=1)]
    s3.complete_multipart_upload(**names, UploadId=made, MultipartUpload={"Parts": parts})
    s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    assert read(s3, bucket, "runs/large/copy") == WHOLE
    assert read(s3, bucket, "runs/large/pieces") == WHOLE


def test_parts_that_s3_refuses(mill: Mill):
    s3, names = mill.client("s3"), {"Bucket": mill.bucket, "Key": "runs/large/refused"}
    with pytest.raises(ClientError, match="EntityTooSmall"):
        upload(s3, names["Bucket"], names["Key"], [b"small", b"small"])
    made = s3.create_multipart_upload(**names)["UploadId"]
    part = {"PartNumber": 1, "ETag": s3.upload_part(**names, UploadId=made, PartNumber=1, Body=b"part")["ETag"]}
    for parts in ([{"PartNumber": 1, "ETag": "wrong"}], [{"PartNumber": 2, "ETag": "absent"}]):
        with pytest.raises(ClientError, match="InvalidPart"):
            s3.complete_multipart_upload(**names, UploadId=made, MultipartUpload={"Parts": parts})
    first, again = (
        s3.complete_multipart_upload(**names, UploadId=made, MultipartUpload={"Parts": [part]})["ETag"] for _ in "12"
    )
    assert first == again


def test_an_upload_in_parts_starts_one_execution(mill: Mill):
    s3, states = mill.client("s3"), mill.client("stepfunctions")
    key, line = "inputs/strings/parts.txt", b"one line of the large file\n"
    text = line * (6 * MIB // len(line))
    etag = upload(s3, mill.bucket, key, [text[: 5 * MIB], text[5 * MIB :]])["ETag"]
    executions = states.get_paginator("list_executions")

    def started() -> list[str]:
        pages = executions.paginate(stateMachineArn=mill.outputs["StateMachineArn"])  # they can be read only once
        arns = [execution["executionArn"] for page in pages for execution in page["executions"]]
        return [arn for arn in arns if etag.strip('"') in states.describe_execution(executionArn=arn)["input"]]

    mill._until(lambda: bool(started()), 10, "no execution")
    (arn,) = started()
    mill._until(lambda: states.describe_execution(executionArn=arn)["status"] == "SUCCEEDED", 30, "does not end")
    assert started() == [arn]
