"""Lambda of the embedded AWS: a function's own code in a process of its own, and each way it can go wrong."""

import io
import json
import os
import shutil
import signal
import time
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.settings.keys import role_of
from tests.embedded_aws.test_packages import declaring
from tests.integration.mill import Mill

CODE = """
import os, time, json
def handler(event, context):
    print("working on", event.get("do"))
    if event.get("do") == "sleep":
        time.sleep(60)
    if event.get("do") == "raise":
        raise KeyError("grain")
    if event.get("do") == "exit":
        os._exit(3)
    if event.get("do") == "leave":
        raise SystemExit(4)
    if event.get("do") == "strange":
        return {1, 2}
    if "count" in event:
        with open(event["count"], "a") as file:
            file.write("x")
        raise RuntimeError("again")
    return {"pid": os.getpid(), "name": context.function_name, "left": context.get_remaining_time_in_millis(),
            "variable": os.environ.get("COLOUR"), "cwd": os.getcwd(), "key": os.environ["AWS_ACCESS_KEY_ID"]}
"""


class Function:
    """A function of its own name."""

    def __init__(self, mill: Mill, code: str = CODE, **settings: Any) -> None:
        self.mill, self.name, self.client = mill, f"f-{uuid.uuid4().hex[:8]}", mill.client("lambda")
        roles = mill.client("iam").list_roles()["Roles"]
        self.role = next(role for role in roles if "NotifyFunction" in role["RoleName"])
        self.client.create_function(
            FunctionName=self.name,
            Role=self.role["Arn"],
            **{
                "Code": {"ZipFile": zipped(code)},
                "Runtime": "python3.13",
                "Handler": "app.handler",
                "Timeout": 5,
                **settings,
            },
        )

    def call(self, event: Any, **how: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event), **how)
        return answer

    def error(self, event: Any) -> dict[str, Any]:
        answer = self.call(event)
        assert answer["FunctionError"] == "Unhandled"
        loaded: dict[str, Any] = json.loads(answer["Payload"].read())
        return loaded

    def result(self, event: Any) -> Any:
        answer = self.call(event)
        assert "FunctionError" not in answer
        return json.loads(answer["Payload"].read())


def zipped(code: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", code)
    return content.getvalue()


@pytest.fixture(scope="module")
def function(mill: Mill) -> Iterator[Function]:
    shown = Function(mill)
    yield shown
    shown.client.delete_function(FunctionName=shown.name)


def test_it_runs_its_own_code_in_its_own_process_under_its_role(function):
    shown = function.result({})
    assert shown["name"] == function.name
    assert 0 < shown["left"] <= 5000
    assert role_of(shown["key"]) == function.role["RoleName"]
    assert function.result({})["pid"] == shown["pid"]  # and stays warm


def test_its_temporary_files_are_its_own_and_go_with_it(mill):
    code = "import os, tempfile\ndef handler(event, context):\n    return tempfile.mkdtemp()"
    shown = Function(mill, code)
    left = Path(shown.result({}))
    assert left.is_dir()
    assert left.is_relative_to(mill.data / "tmp")
    assert Path(shown.result({})).parent == left.parent  # as long as it is warm
    shown.client.update_function_configuration(
        FunctionName=shown.name, Timeout=6, Environment={"Variables": {"A": "b"}}
    )
    assert Path(shown.result({})).parent != left.parent
    assert not left.exists()


def test_an_error_is_told_as_lambda_words_it(function):
    shown = function.error({"do": "raise"})
    assert (shown["errorType"], shown["errorMessage"]) == ("KeyError", "'grain'")
    assert any("app.py" in line for line in shown["stackTrace"])


@pytest.mark.parametrize(
    ("do", "kind"), [("exit", "Runtime.ExitError"), ("leave", "Runtime.ExitError"), ("strange", "Runtime.MarshalError")]
)
def test_an_end_without_an_answer_is_an_error_and_the_next_call_is_served(function, do, kind):
    assert function.error({"do": do})["errorType"] == kind
    assert function.result({})["name"] == function.name


def test_a_late_one_is_killed_and_the_next_call_is_served(mill):
    late = Function(mill, Timeout=1)
    first = late.result({})["pid"]
    begin = time.monotonic()
    shown = late.error({"do": "sleep"})
    assert shown["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in shown["errorMessage"]
    assert time.monotonic() - begin < 30
    assert late.result({})["pid"] != first


@pytest.mark.parametrize(
    ("code", "handler", "kind"),
    [
        ("import no_such_module", "app.handler", "Runtime.ImportModuleError"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound"),
        ("x = 1", "nowhere.handler", "Runtime.ImportModuleError"),
        ("1 / 0", "app.handler", "ZeroDivisionError"),
        ("import os; os._exit(3)", "app.handler", "Runtime.ExitError"),
    ],
)
def test_code_that_does_not_load_is_told(mill, code, handler, kind):
    assert Function(mill, code, Handler=handler).error({})["errorType"] == kind


def test_changed_code_and_variables_reach_the_next_call(mill):
    shown = Function(mill, Environment={"Variables": {"COLOUR": "rye"}})
    assert shown.result({})["variable"] == "rye"
    shown.client.update_function_configuration(FunctionName=shown.name, Environment={"Variables": {"COLOUR": "oats"}})
    assert shown.result({})["variable"] == "oats"
    shown.client.update_function_code(FunctionName=shown.name, ZipFile=zipped("handler = lambda event, context: 'new'"))
    assert shown.result({}) == "new"


def test_more_at_once_than_allowed_is_throttled(mill):
    shown = Function(mill)
    shown.client.put_function_concurrency(FunctionName=shown.name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        shown.client.invoke(FunctionName=shown.name, Payload=b"{}")


def test_an_asynchronous_failure_is_tried_twice_more_then_buried(mill, tmp_path):
    sqs = mill.client("sqs")
    url = sqs.create_queue(QueueName=f"dead-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    shown = Function(mill, DeadLetterConfig={"TargetArn": arn})
    event = {"count": str(tmp_path / "calls")}
    assert shown.call(event, InvocationType="Event")["StatusCode"] == 202
    (letter,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(letter["Body"]) == event
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "again"
    assert (tmp_path / "calls").read_text() == "xxx"


def test_what_it_prints_is_in_its_log_and_in_the_tail(mill, function):
    answer = function.call({"do": "nothing"}, LogType="Tail")
    import base64

    tail = base64.b64decode(answer["LogResult"]).decode()
    for word in ("START RequestId", "working on nothing", "END RequestId", "REPORT RequestId"):
        assert word in tail
    logs = mill.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function.name}")["events"]
    assert any("working on nothing" in log["message"] for log in logs)


SLOW = """
import os, time
def handler(event, context):
    with open(event["mark"], "a") as file:
        file.write(f"{os.getpid()} ")
    while not os.path.exists(event["gate"]):
        time.sleep(0.02)
    return os.getpid()
"""


@pytest.fixture
def slow(mill: Mill, tmp_path: Path) -> tuple[Function, dict[str, str]]:
    """Give a function that notes its worker and waits for a gate, and its event."""
    return Function(mill, SLOW, Timeout=30), {"mark": str(tmp_path / "mark"), "gate": str(tmp_path / "gate")}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_is_killed_while_idle_costs_no_invocation(slow, number):
    function, event = slow
    Path(event["gate"]).touch()
    for _ in range(2):
        worker = function.result(event)
        os.kill(worker, number)
        assert function.result(event) != worker
    assert len(Path(event["mark"]).read_text().split()) == 4  # each invocation began once


def test_one_that_is_killed_in_use_is_a_fault_of_the_service_which_sdks_try_again(slow):
    function, event = slow
    mark = Path(event["mark"])
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(function.result, event)
        function.mill._until(lambda: mark.exists() and mark.read_text(), 20, "it does not begin")
        os.kill(int(mark.read_text()), signal.SIGKILL)
        Path(event["gate"]).touch()
        assert str(answer.result()) == mark.read_text().split()[-1]
    assert len(mark.read_text().split()) == 2


def test_its_folders_may_be_deleted_between_invocations(slow):
    function, event = slow
    Path(event["gate"]).touch()
    worker = function.result(event)
    for name in ("functions", "tmp"):
        shutil.rmtree(function.mill.data / name)
    assert function.result(event) != worker  # the old one has lost its code


def test_a_package_above_the_limit_is_refused_wherever_it_comes_in(mill: Mill, function: Function):
    bomb = declaring(zipped(CODE), 600_000_000)
    mill.client("s3").put_object(Bucket=mill.bucket, Key="bomb.zip", Body=bomb)
    function.result({})
    before, functions = set((mill.data / "functions").iterdir()), function.client
    for code in ({"ZipFile": bomb}, {"S3Bucket": mill.bucket, "S3Key": "bomb.zip"}):
        for act in (
            lambda code=code: Function(mill, Code=code),
            lambda code=code: functions.update_function_code(FunctionName=function.name, **code),
            lambda code=code: functions.publish_layer_version(LayerName="bomb", Content=code),
        ):
            with pytest.raises(ClientError, match="Unzipped size must be smaller than 262144000 bytes") as refused:
                act()
            assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
    function.result({})
    assert set((mill.data / "functions").iterdir()) == before
