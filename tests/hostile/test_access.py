"""The embedded AWS answers its user alone: over the wire, as clients, pages and strangers on this machine reach it."""

import http.client
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.lifecycle.daemon import LOG_FILE
from embedded_aws.lifecycle.state import read_state
from embedded_aws.machine.surroundings import KEY_PREFIX
from gristmill.client.embedded import TAKE_KEYS
from tests.integration.mill import Mill

PAGE = "https://lab.example"


def ask(mill: Mill, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Send a request by hand; return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", int(mill.endpoint.rpartition(":")[2]), timeout=30)
    named = {"Host": mill.endpoint.partition("//")[2], **{name.replace("_", "-"): v for name, v in headers.items()}}
    try:
        connection.request(method, path, body or None, named)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


TEST = ("test", "test")  # what every local AWS is said to take


def stranger(mill: Mill, service: str, pair: tuple[str, str] = TEST) -> Any:
    keys = dict(zip(("aws_access_key_id", "aws_secret_access_key"), pair, strict=True))
    return boto3.client(service, endpoint_url=mill.endpoint, region_name="us-east-1", **keys)


def objects(mill: Mill) -> int:
    return len(mill.client("s3").list_buckets()["Buckets"])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_motos_own_doors_and_unsigned_requests_are_closed(mill: Mill, method: str):
    before = objects(mill)
    for path in (
        *("/moto-api/reset", "/moto-api/", "//moto-api/reset", "/moto-api/../moto-api/reset", "/%6Doto-api/reset"),
        *("/moto-api/data.json", "/moto-api/recorder/replay-recording", "/favicon.ico", "/latest/meta-data/iam", "/"),
        *(f"/{mill.bucket}", f"/{mill.bucket}/x", "/2015-03-31/functions/", "/v1/submitjob", "/sqs_us-east-1/q"),
    ):
        assert ask(mill, method, path)[0] == 403, path
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    for action in ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "ListTopics"):
        assert ask(mill, "POST", "/", f"Action={action}&Version=2011-06-15".encode(), **form)[0] == 403
    for target in ("AWSCognitoIdentityService.GetId", "AWSCognitoIdentityProviderService.SignUp"):
        assert ask(mill, "POST", "/", b"{}", X_Amz_Target=target)[0] == 400
    assert objects(mill) == before


@pytest.mark.parametrize("host", ["attacker.com", "127.0.0.1.nip.io", "localhost.evil.com", "localhost:1"])
def test_another_host_is_refused_before_anything_else(mill: Mill, host: str):
    assert ask(mill, "GET", "/moto-api/reset", Host=host)[0] == 421
    assert ask(mill, "GET", "/_embedded/identity?challenge=" + "0" * 64, Host=host)[0] == 421
    assert ask(mill, "GET", f"http://{host}/", Host=mill.endpoint.partition("//")[2])[0] == 421


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ({}, 403),
        ({"Transfer-Encoding": "chunked", "Content-Length": ""}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Host": "rebind.example"}, 421),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=test"}, 400),
    ],
)
def test_a_large_body_is_not_taken_from_who_is_refused_by_the_head(mill: Mill, head: dict[str, str], status: int):
    port = int(mill.endpoint.rpartition(":")[2])
    lines = {"Host": f"localhost:{port}", "Content-Length": str(4 * 1024**3), "Expect": "100-continue", **head}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"PUT /{mill.bucket}/large HTTP/1.1\r\n{text}\r\n".encode())
        assert connection.makefile("rb").readline().split()[1] == str(status).encode()


CALLS = {
    "s3": lambda client: client.list_buckets(),
    "stepfunctions": lambda client: client.start_execution(stateMachineArn="arn:aws:states:us-east-1:1:stateMachine:m"),
    "lambda": lambda client: client.invoke(FunctionName="function"),
    "batch": lambda client: client.submit_job(jobName="a", jobQueue="q", jobDefinition="d"),
    "sns": lambda client: client.list_topics(),
    "sqs": lambda client: client.list_queues(),
    "logs": lambda client: client.describe_log_groups(),
    "cloudformation": lambda client: client.delete_stack(StackName="gristmill"),
    "iam": lambda client: client.list_roles(),
}


@pytest.mark.parametrize("service", CALLS)
def test_a_stranger_is_refused_in_the_words_of_the_service(mill: Mill, service: str):
    with pytest.raises(ClientError) as caught:
        CALLS[service](stranger(mill, service))
    error = caught.value.response["Error"]
    assert error["Code"] in {"InvalidAccessKeyId", "UnrecognizedClientException", "InvalidClientTokenId"}
    assert TAKE_KEYS in error["Message"]
    pair = mill.target.pair
    assert pair
    with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidSignatureException"):
        CALLS[service](stranger(mill, service, (pair.access_key_id, "guessed")))


def test_a_command_with_old_keys_tells_the_mend_in_one_line(mill: Mill, tmp_path: Path):
    old = {"AWS_ACCESS_KEY_ID": f"{KEY_PREFIX}{'A' * 18}", "AWS_SECRET_ACCESS_KEY": "o" * 40}
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    for keys, text in ((old, "does not take these keys"), ({}, "are not known here")):
        environment = {**known, **keys, "AWS_ENDPOINT_URL": mill.endpoint, "GRISTMILL_HOME": str(tmp_path / "none")}
        words = [Path(sys.executable).parent / "gristmill", "runs"]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
        error = done.stderr.splitlines()[-1]
        assert error.startswith("error: ")
        assert text in error
        assert TAKE_KEYS in done.stderr
        assert "Traceback" not in done.stderr
    environment |= {"GRISTMILL_HOME": str(mill.data), **old}
    done = subprocess.run([*words, "-n", "1"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_presigned_url_is_all_that_its_holder_may(mill: Mill):
    s3 = mill.target.client("s3")
    key = "jobs/presigned/a b+ä.txt"
    s3.put_object(Bucket=mill.bucket, Key=key, Body=b"held")
    named = {"Bucket": mill.bucket, "Key": key}
    url = s3.generate_presigned_url("get_object", Params=named, ExpiresIn=60)
    host, path = url.partition("//")[2].split("/", 1)
    assert ask(mill, "GET", f"/{path}", Host=host)[::2] == (200, b"held")
    for refused in (
        ask(mill, "PUT", f"/{path}", b"other", Host=host),
        ask(mill, "DELETE", f"/{path}", Host=host),
        ask(mill, "GET", f"/{path.replace('presigned', 'other')}", Host=host),
        ask(mill, "GET", f"/{path}&versionId=null", Host=host),
        ask(mill, "GET", f"/{path}", Host=host, X_Amz_Copy_Source="/a/b"),
        ask(mill, "GET", f"/{path.replace('X-Amz-Expires=60', 'X-Amz-Expires=61')}", Host=host),
        ask(mill, "GET", f"/{path}", Host=host, Origin=PAGE),
    ):
        assert refused[0] == 403
    old = boto3.client("s3", endpoint_url=mill.endpoint, config=Config(signature_version="s3"), **keys_as(mill))
    host, path = old.generate_presigned_url("get_object", Params=named).partition("//")[2].split("/", 1)
    assert ask(mill, "GET", f"/{path}", Host=host)[0] == 400
    assert s3.get_object(**named)["Body"].read() == b"held"


def keys_as(mill: Mill) -> dict[str, str]:
    pair = mill.target.pair
    assert pair
    keys = {"aws_access_key_id": pair.access_key_id, "aws_secret_access_key": pair.secret_access_key}
    return {"region_name": "us-east-1", **keys}


def test_a_presigned_form_uploads_what_its_policy_allows(mill: Mill):
    post = mill.target.client("s3").generate_presigned_post(mill.bucket, "jobs/form/${filename}", ExpiresIn=60)
    host, _, path = post["url"].partition("//")[2].partition("/")

    def send(fields: dict[str, str], **headers: str) -> int:
        parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{v}\r\n' for name, v in fields.items()]
        file = '--x\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\nfrom a form\r\n--x--\r\n'
        kind = "multipart/form-data; boundary=x"
        body = ("".join(parts) + file).encode()
        return ask(mill, "POST", f"/{path}", body, Host=host, Content_Type=kind, **headers)[0]

    assert send({**post["fields"], "key": "inputs/strings/other.txt"}) == 403
    assert send(post["fields"], Origin=PAGE) == 403
    assert send({"key": "inputs/strings/other.txt"}) == 403
    assert mill.keys("jobs/form/") + mill.keys("inputs/strings/other.txt") == []
    assert send(post["fields"]) == 204
    (key,) = mill.keys("jobs/form/")
    assert mill.read(key) == b"from a form"


def test_a_buckets_own_rules_admit_a_page_and_no_other(mill: Mill):
    s3 = mill.target.client("s3")
    s3.create_bucket(Bucket="pages")
    s3.put_object(Bucket="pages", Key="k", Body=b"for the page")
    asked = {"Access_Control_Request_Method": "GET", "Access_Control_Request_Headers": "x-amz-date"}
    assert ask(mill, "OPTIONS", "/pages/k", Origin=PAGE, **asked)[0] == 403
    rule = {"AllowedOrigins": [PAGE], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"], "MaxAgeSeconds": 9}
    s3.put_bucket_cors(Bucket="pages", CORSConfiguration={"CORSRules": [rule]})
    status, headers, _ = ask(mill, "OPTIONS", "/pages/k", Origin=PAGE, **asked)
    assert (status, headers["access-control-allow-origin"], headers["access-control-max-age"]) == (200, PAGE, "9")
    path = s3.generate_presigned_url("get_object", Params={"Bucket": "pages", "Key": "k"}).partition("//")[2]
    host, path = path.split("/", 1)
    status, headers, body = ask(mill, "GET", f"/{path}", Host=host, Origin=PAGE)
    assert (status, headers["access-control-allow-origin"], body) == (200, PAGE, b"for the page")
    for origin in ("https://evil.example", "null", "http://localhost:1"):
        status, headers, _ = ask(mill, "GET", f"/{path}", Host=host, Origin=origin)
        assert (status, [name for name in headers if name.startswith("access-control")]) == (403, [])
    assert "access-control-allow-origin" not in ask(mill, "GET", f"/{path}", Host=host)[1]


def test_names_of_buckets_and_metadata_that_a_server_mixes_up_are_kept_apart(mill: Mill):
    s3 = mill.client("s3")
    for bucket in ("dotted.name", "dotted"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="/k//a", Body=bucket.encode(), Metadata={"a_b": "1", "a-c": "2"})
    answer = s3.get_object(Bucket="dotted.name", Key="/k//a")
    assert (answer["Body"].read(), answer["Metadata"]) == (b"dotted.name", {"a_b": "1", "a-c": "2"})


def test_secrets_are_in_no_description_log_or_argument(mill: Mill):
    run = mill.drop("strings", "secrets.txt", b"a\n")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    state = read_state(mill.data)
    assert state
    shown = json.dumps(mill.client("batch").describe_jobs(jobs=[job["jobId"] for job in mill.jobs(run)]), default=str)
    shown += json.dumps(mill.client("lambda").list_functions(), default=str)
    shown += json.dumps(mill.client("stepfunctions").describe_execution(executionArn=mill.execution(run)), default=str)
    shown += subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    shown += (mill.data / LOG_FILE).read_text() + "".join(mill.log(run))
    assert "AWS_SECRET" not in shown
    assert state.secret_access_key not in shown
    assert state.access_key_id not in shown


SHOWN = "import os, json; print(json.dumps({n: v for n, v in os.environ.items() if n.startswith('AWS_')}))"


def test_a_job_has_its_roles_keys_and_not_the_users(mill: Mill):
    batch = mill.client("batch")
    job = batch.submit_job(
        jobName="keys",
        jobQueue=mill.outputs["CpuQueueArn"],
        jobDefinition=mill.outputs["CpuJobDefinitionArn"],
        containerOverrides={"command": ["python", "-c", SHOWN]},
    )["jobId"]
    mill._until(lambda: batch.describe_jobs(jobs=[job])["jobs"][0]["status"] == "SUCCEEDED", 60, "it does not end")
    stream = batch.describe_jobs(jobs=[job])["jobs"][0]["container"]["logStreamName"]
    events = mill.client("logs").get_log_events(logGroupName=mill.outputs["JobLogGroupName"], logStreamName=stream)
    shown = json.loads(events["events"][-1]["message"])
    state = read_state(mill.data)
    assert state
    assert shown["AWS_ACCESS_KEY_ID"].endswith(mill.physical("JobRole"))
    assert state.secret_access_key not in json.dumps(shown)
    own = stranger(mill, "s3", (shown["AWS_ACCESS_KEY_ID"], shown["AWS_SECRET_ACCESS_KEY"]))
    assert own.head_bucket(Bucket=mill.bucket)
    another = shown["AWS_ACCESS_KEY_ID"].replace(mill.physical("JobRole"), mill.physical("MpiJobRole"))
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        stranger(mill, "s3", (another, shown["AWS_SECRET_ACCESS_KEY"])).list_buckets()
