"""Pipelines as data, on the deployed template: pushed, run, rolled back, deleted; layer and images stay untouched."""

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.services.cloudformation.template import parse
from gristmill import keys
from gristmill.client.target import Target
from gristmill.code import push
from gristmill.code.archive import pack
from gristmill.code.digest import CodeFile
from gristmill.code.libraries import IMAGE, lock_digest, own_abi
from gristmill.errors import ExitCode
from tests.integration.mill import Mill
from tests.integration.policies import Call, Statement
from tests.integration.test_cli import Cli, cli
from tests.project import PROJECT
from tests.unit.wheels import make_wheel, use_folder_alone

__all__ = ["cli"]

TEMPLATE = parse((PROJECT / "template.yaml").read_text())

YAML = """version: 1
name: {name}
description: Writes each line behind a word.
stages:
  - name: map
    split: {{records: lines, records_per_task: 1}}
    branches:
      - name: marked
        run: jobs:mark
        target_children: 1
"""
JOBS = """import time
from pathlib import Path
import words

def mark(source, sink, parameters):
    text = source.read()
    {wait}
    sink.write(words.WORD + b" " + text)
"""


def pipeline(name: str, word: str, wait: str = "") -> Path:
    """Write a pipeline's folder below the working one, whose jobs write a word; `wait` is a statement of theirs."""
    folder = Path(name)
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.yaml").write_text(YAML.format(name=name))
    (folder / "jobs.py").write_text(JOBS.format(wait=wait))
    (folder / "words.py").write_text(f"WORD = {word.encode()!r}\n")
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "lines.txt"
    made.write_bytes(b"a\n")
    return made


def made(mill: Mill, run: str, name: str) -> bytes:
    assert mill.finish(run)["status"] == "SUCCEEDED"
    return mill.read(keys.result(name, "lines.txt", run, "marked.txt"))


def code_of_the_stack(mill: Mill) -> list[object]:
    """Return what a deployment would change: the functions' code and layers, and the jobs' definitions."""
    functions = mill.client("lambda").list_functions()["Functions"]
    definitions = mill.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    return [
        sorted((each["FunctionName"], each["CodeSha256"], json.dumps(each.get("Layers", []))) for each in functions),
        sorted((each["jobDefinitionArn"], json.dumps(each, sort_keys=True, default=str)) for each in definitions),
    ]


def test_pushed_edit_runs_with_layer_and_images_untouched_and_is_rolled_back(mill: Mill, cli: Cli, file: Path):
    before = code_of_the_stack(mill)
    pipeline("edited", "one")
    answer = cli("pipelines", "push", "edited", "-m", "first")
    assert answer.out.startswith("Pushed edited as version 1 (")
    assert answer.out.endswith("Runs of edited take it from now on.\n")
    assert made(mill, mill.drop("edited", "lines.txt", b"a\n"), "edited") == b"one a\n"
    pipeline("edited", "two")
    answer = cli("pipelines", "push", "edited", "--json").json
    assert (answer["number"], answer["is_new"], answer["pusher"]["name"]) == (2, True, "root")
    run = mill.drop("edited", "lines.txt", b"a\n")
    assert made(mill, run, "edited") == b"two a\n"
    record = mill.read_json(keys.run_record(run))["code"]
    assert (record["version"], record["built_in"], record["digest"]) == (2, False, answer["digest"])
    assert cli("pipelines", "push", "edited").out.endswith(" already: nothing was pushed.\n")
    assert cli("pipelines", "use", "edited", "1").out == "Runs of edited take version 1 from now on.\n"
    assert made(mill, mill.drop("edited", "lines.txt", b"a\n"), "edited") == b"one a\n"
    assert code_of_the_stack(mill) == before
    shown = cli("pipelines", "versions", "edited").out.splitlines()
    assert [line.split()[0] for line in shown] == ["VERSION", "2", "1"]
    assert "current" in shown[2]
    assert shown[2].endswith("first")
    assert "-WORD = b'one'\n+WORD = b'two'\n" in cli("pipelines", "diff", "edited", "1", "2").out
    assert cli("pipelines", "diff", "edited", "2", "./edited").out == ""


def test_run_keeps_the_code_that_it_began_with(mill: Mill, cli: Cli, tmp_path: Path):
    gate = tmp_path / "gate"
    wait = f"Path({str(tmp_path / 'begun')!r}).touch()\n    while not Path({str(gate)!r}).exists(): time.sleep(0.02)"
    pipeline("held", "old", wait)
    assert cli("pipelines", "push", "held").code == 0
    run = mill.drop("held", "lines.txt", b"a\nb\n")
    mill._until(lambda: (tmp_path / "begun").exists(), 30, "no task began")
    pipeline("held", "new")
    assert cli("pipelines", "push", "held").code == 0
    gate.touch()
    assert made(mill, run, "held") == b"old a\nold b\n"
    assert made(mill, mill.drop("held", "lines.txt", b"a\n"), "held") == b"new a\n"


def test_folder_is_run_without_moving_what_other_runs_take(mill: Mill, cli: Cli, file: Path):
    pipeline("single", "pushed")
    cli("pipelines", "push", "single")
    pipeline("single", "tried")
    answer = cli("run", "./single", "lines.txt", "--json")
    run = answer.json["run"]
    assert "Takes single as version 2 (" in answer.err
    assert made(mill, run, "single") == b"tried a\n"
    assert mill.read_json(keys.run_record(run))["code"]["version"] == 2
    assert made(mill, mill.drop("single", "lines.txt", b"a\n"), "single") == b"pushed a\n"
    again = cli("run", "./single", "lines.txt", "--json").json["run"]
    assert mill.read_json(keys.run_record(again))["code"]["version"] == 2  # the same code is the same version
    assert made(mill, mill.drop("single", "lines.txt", b"a\n", gristmill_version="2"), "single") == b"tried a\n"


def test_resume_with_changes_that_would_go_back_to_another_version_says_so(mill: Mill, cli: Cli, file: Path):
    pipeline("tried", "pushed")
    cli("pipelines", "push", "tried")
    pipeline("tried", "newer", wait="raise ValueError('not yet')")
    run = cli("run", "./tried", "lines.txt", "--json").json["run"]
    assert mill.finish(run)["status"] == "FAILED"
    told = f"since run {run} was frozen. It is at version 2, and would go on at version 1.\n"
    assert told in cli("plan", run).out
    assert told in cli("resume", run, "--with-changes").err


def test_drop_of_a_version_that_there_is_not_is_refused_by_mail(mill: Mill, cli: Cli):
    pipeline("absent", "x")
    cli("pipelines", "push", "absent")
    run = mill.drop("absent", "lines.txt", b"a\n", gristmill_version="7")
    assert mill.finish(run)["status"] == "FAILED"
    body = " ".join(mill.mail(run, "FAILED").get_content().split())
    assert "pipeline absent has no version 7. See those there are: gristmill pipelines versions absent" in body


def test_two_pushes_at_once_lose_neither_and_move_the_pointer_once(mill: Mill, cli: Cli, monkeypatch):
    pipeline("raced", "first")
    cli("pipelines", "push", "raced")
    keep = push.keep

    def meanwhile(*given: object) -> object:
        monkeypatch.setattr(push, "keep", keep)
        kept = keep(*given)
        pipeline("raced", "theirs")
        assert cli("pipelines", "push", "raced").code == 0
        return kept

    pipeline("raced", "mine")
    monkeypatch.setattr(push, "keep", meanwhile)
    answer = cli("pipelines", "push", "raced")
    assert answer.code == ExitCode.REFUSED
    assert answer.err.splitlines()[-1] == (
        "error: current was moved by root a moment ago, to version 3. "
        "Yours is version 2: to have runs take it, gristmill pipelines use raced 2"
    )
    assert [item["number"] for item in cli("pipelines", "versions", "raced", "--json").json["versions"]] == [3, 2, 1]
    assert made(mill, mill.drop("raced", "lines.txt", b"a\n"), "raced") == b"theirs a\n"
    assert cli("pipelines", "use", "raced", "2").code == 0
    assert made(mill, mill.drop("raced", "lines.txt", b"a\n"), "raced") == b"mine a\n"


def link(folder: Path) -> None:
    (folder / "data").symlink_to("/etc/passwd")


def large(folder: Path) -> None:
    with (folder / "large.bin").open("wb") as made:
        made.truncate(21 * 1024 * 1024)


def foreign(folder: Path) -> None:
    Path("shared.py").touch()
    (folder / "jobs.py").write_text("import shared\ndef mark(source, sink, parameters): ...\n")


def named_otherwise(folder: Path) -> None:
    (folder / "pipeline.yaml").write_text(YAML.format(name="other"))


def without_function(folder: Path) -> None:
    (folder / "jobs.py").write_text("def other(): ...\n")


REFUSED = {
    link: "refused/data is a symbolic link, not a file",
    large: "Large files belong in references/",
    foreign: "refused/jobs.py:1: shared is imported from outside the folder (",
    named_otherwise: "name: is other, but the folder is called refused",
    without_function: "module jobs has no function mark",
    lambda folder: (folder / "pipeline.yaml").unlink(): "refused has no pipeline.yaml. Name a pipeline's folder",
}


@pytest.mark.parametrize("how", REFUSED)
def test_what_cannot_travel_is_refused_before_anything_is_written(mill: Mill, cli: Cli, how, file: Path):
    how(pipeline("refused", "x"))
    for words in (("pipelines", "push", "refused"), ("run", "./refused", "lines.txt")):
        answer = cli(*words)
        assert answer.code == ExitCode.REFUSED
        assert REFUSED[how] in answer.err.splitlines()[-1]
        assert mill.keys(keys.pushed_prefix("refused")) == []


def test_built_in_pipeline_is_replaced_only_where_that_is_asked_for(mill: Mill, cli: Cli, file: Path):
    pipeline("mpi-hello", "mine")
    answer = cli("pipelines", "push", "mpi-hello")
    assert answer.code == ExitCode.REFUSED
    assert answer.err.splitlines()[-1] == (
        "error: mpi-hello is a pipeline of the stack itself; nothing was pushed. "
        "Call yours otherwise; or give --replace-built-in, and runs of it take your code."
    )
    assert made(mill, cli("run", "./mpi-hello", "lines.txt", "--json").json["run"], "mpi-hello") == b"mine a\n"
    answer = cli("pipelines", "use", "mpi-hello", "1")
    assert answer.code == ExitCode.REFUSED
    assert "mpi-hello is a pipeline of the stack itself" in answer.err
    assert cli("pipelines", "push", "mpi-hello", "--replace-built-in").code == 0
    assert made(mill, mill.drop("mpi-hello", "lines.txt", b"a\n"), "mpi-hello") == b"mine a\n"
    assert cli("pipelines", "use", "mpi-hello", "built-in").code == 0
    shown = {item["name"]: item["runs"] for item in cli("pipelines", "list", "--json").json}
    assert shown["mpi-hello"] == ""
    assert "the stack itself has no pipeline refused" in cli("pipelines", "use", "refused", "built-in").err


def test_version_is_deleted_only_where_nothing_takes_or_names_it(mill: Mill, cli: Cli, file: Path):
    for word in ("one", "two", "three"):
        pipeline("pruned", word)
        cli("pipelines", "push", "pruned")
    run = mill.drop("pruned", "lines.txt", b"a\n", gristmill_version="2")
    mill.finish(run)
    answer = cli("pipelines", "delete", "pruned", "3")
    assert answer.code == ExitCode.REFUSED
    assert "runs of pruned take version 3; nothing was deleted" in answer.err
    answer = cli("pipelines", "delete", "pruned", "2")
    assert answer.code == ExitCode.REFUSED
    assert f"version 2 of pruned is named by a run, {run}; nothing was deleted" in answer.err
    digest = cli("pipelines", "versions", "pruned", "--json").json["versions"][2]["digest"]
    assert mill.keys(keys.pushed_code("pruned", digest))
    assert cli("pipelines", "delete", "pruned", "1").code == 0
    assert mill.keys(keys.pushed_code("pruned", digest)) == []
    assert "deleted by root" in cli("pipelines", "versions", "pruned").out
    for words in (("use", "pruned", "1"), ("diff", "pruned", "1", "2"), ("delete", "pruned", "1")):
        answer = cli("pipelines", *words)
        assert answer.code == ExitCode.NOT_FOUND
        assert "version 1 of pruned was deleted by root." in answer.err


def test_pushed_pipeline_is_known_where_its_folder_is_not(mill: Mill, cli: Cli, file: Path):
    folder = pipeline("shelved", "kept")
    cli("pipelines", "push", "shelved")
    folder.rename("elsewhere")
    assert "shelved" in cli("pipelines", "list").out
    assert cli("pipelines", "show", "shelved").out.splitlines()[1] == "  version 1, pushed by root"
    assert cli("pipelines", "validate", "shelved").out == "shelved: sound\n"
    assert "  | kept a\n" in cli("try", "shelved", "lines.txt").out
    assert cli("plan", "shelved", "lines.txt").code == 0
    answer = cli("run", "shelved", "lines.txt", "--json")
    assert "Takes shelved as it was pushed, " in answer.err
    assert made(mill, answer.json["run"], "shelved") == b"kept a\n"
    answer = cli("run", "shelvd", "lines.txt")
    assert answer.code == ExitCode.REFUSED
    assert "there is no pipeline 'shelvd'" in answer.err


LIBRARY = """
import subprocess, sys
import lab.deep

def mark(source, sink, parameters):
    out = subprocess.run([sys.executable, "-c", "import lab; print(lab.__file__)"], capture_output=True).stdout
    sink.write(lab.deep.WORD + b" " + (b"program " if b"libraries" in out else b"") + source.read())
"""


def with_library(name: str, wheels: Path, word: str, tag: str = "py3-none-any") -> Path:
    """Write a pipeline whose jobs, and programs that they start, import a library of its own."""
    folder = pipeline(name, word)
    line = make_wheel(wheels, "lab", {"lab/__init__.py": "", "lab/deep.py": f"WORD = {word.encode()!r}"}, tag)
    (folder / "requirements.lock").write_text(f"{line}\n")
    (folder / "jobs.py").write_text(LIBRARY)
    text = YAML.format(name=name).replace("stages:", "libraries: requirements.lock\nstages:")
    (folder / "pipeline.yaml").write_text(text)
    return folder


def test_libraries_of_a_lock_file_come_with_the_push(mill: Mill, cli: Cli, file: Path, tmp_path: Path, monkeypatch):
    use_folder_alone(monkeypatch, tmp_path / "wheels")
    with_library("stocked", tmp_path / "wheels", "one")
    assert "  | one program a\n" in cli("try", "./stocked", "lines.txt").out
    answer = cli("pipelines", "push", "stocked")
    assert f"Fetching the libraries of requirements.lock for {IMAGE}." in answer.err
    run = mill.drop("stocked", "lines.txt", b"a\n")
    assert made(mill, run, "stocked") == b"one program a\n"
    held = mill.read_json(keys.run_record(run))["code"]["libraries"]
    assert set(held) == {IMAGE, own_abi()}
    before = mill.keys(f"{keys.PUSHED}_wheels/")
    (Path("stocked") / "notes.txt").touch()
    assert "Fetching" not in cli("pipelines", "push", "stocked").err  # the lock file is the same
    assert mill.keys(f"{keys.PUSHED}_wheels/") == before
    with_library("stocked", tmp_path / "wheels", "two")
    cli("pipelines", "push", "stocked")
    assert made(mill, mill.drop("stocked", "lines.txt", b"a\n"), "stocked") == b"two program a\n"
    assert made(mill, mill.drop("stocked", "lines.txt", b"a\n", gristmill_version="1"), "stocked") == b"one program a\n"


def test_lock_without_a_wheel_for_the_image_is_refused(mill: Mill, cli: Cli, tmp_path: Path, monkeypatch):
    use_folder_alone(monkeypatch, tmp_path / "wheels")
    with_library("imageless", tmp_path / "wheels", "x", "cp311-cp311-linux_x86_64")
    answer = cli("pipelines", "push", "imageless")
    assert answer.code == ExitCode.REFUSED
    assert answer.err.splitlines()[-1] == (
        f"error: requirements.lock: No matching distribution found for lab==1.0 (for {IMAGE}). "
        "Libraries must come as wheels."
    )
    assert mill.keys(keys.pushed_prefix("imageless")) == []


def test_libraries_that_were_changed_in_the_bucket_end_their_task(
    mill: Mill, cli: Cli, tmp_path: Path, monkeypatch, file: Path
):
    use_folder_alone(monkeypatch, tmp_path / "wheels")
    folder = with_library("swapped", tmp_path / "wheels", "good")
    cli("pipelines", "push", "swapped")
    lock = lock_digest((folder / "requirements.lock").read_bytes())
    bad = pack([CodeFile("lab/__init__.py", False, b""), CodeFile("lab/deep.py", False, b"WORD = b'evil'")])
    mill.client("s3").put_object(Bucket=mill.bucket, Key=keys.wheels(lock, own_abi()), Body=bad)
    run = mill.drop("swapped", "lines.txt", b"a\n")
    assert mill.finish(run)["status"] == "FAILED"
    assert "was changed" in " ".join(mill.mail(run, "FAILED").get_content().split())
    with_library("swapped-too", tmp_path / "wheels", "good")
    answer = cli("pipelines", "push", "swapped-too")
    assert answer.code == ExitCode.REFUSED
    assert "has other libraries than the lock file names" in answer.err


def test_unpushed_pipeline_with_libraries_is_refused_with_the_command(
    mill: Mill, cli: Cli, tmp_path: Path, monkeypatch
):
    folder = with_library("unpushed", tmp_path / "wheels", "x")
    (mill.data / "pipelines").mkdir(exist_ok=True)
    folder.rename(mill.data / "pipelines" / "unpushed")
    run = mill.drop("unpushed", "lines.txt", b"a\n")
    assert mill.finish(run)["status"] == "FAILED"
    body = " ".join(mill.mail(run, "FAILED").get_content().split())
    assert "the libraries of unpushed are fetched as it is pushed: gristmill pipelines push FOLDER" in body


ACTIONS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "ListObjectsV2": "s3:ListBucket",
    "DescribeJobDefinitions": "batch:DescribeJobDefinitions",
    "RegisterJobDefinition": "batch:RegisterJobDefinition",
    "DeregisterJobDefinition": "batch:DeregisterJobDefinition",
    "GetParameter": "ssm:GetParameter",
    "DescribeSecret": "secretsmanager:DescribeSecret",
}
HERE = "us-east-1:123456789012"
SECRETS = """target_children: 1
        secrets: {KEY: "ssm:/gristmill/gristmill/allowed", TOKEN: "secretsmanager:gristmill/gristmill/allowed"}
"""


def with_secrets(mill: Mill, name: str, word: str) -> None:
    """Write a pipeline that has secrets, so job definitions of its own."""
    file = pipeline(name, word) / "pipeline.yaml"
    file.write_text(file.read_text().replace("target_children: 1\n", SECRETS))
    mill.client("ssm").put_parameter(
        Name="/gristmill/gristmill/allowed", Value="x", Type="SecureString", Overwrite=True
    )


def test_policy_for_people_allows_what_the_commands_call(mill: Mill, cli: Cli, monkeypatch):
    """Its conditions hold, too: code is written only where there is none, and nothing else is listed."""
    calls: list[tuple[str, dict]] = []
    client = Target.client

    def noting(target: Target, service: str) -> Any:
        made = client(target, service)
        if service in ("s3", "batch", "ssm", "secretsmanager"):
            made.meta.events.register(
                f"provide-client-params.{service}", lambda params, model, **_: calls.append((model.name, dict(params)))
            )
        return made

    mill.client("secretsmanager").create_secret(Name="gristmill/gristmill/allowed", SecretString="x")
    monkeypatch.setattr(Target, "client", noting)
    for word in ("one", "two"):
        with_secrets(mill, "allowed", word)
        assert cli("pipelines", "push", "allowed").code == 0
    cli("pipelines", "versions", "allowed")
    cli("pipelines", "diff", "allowed", "1", "2")
    cli("pipelines", "use", "allowed", "2")
    assert cli("pipelines", "delete", "allowed", "1").code == 0
    assert {name for name, _ in calls} == set(ACTIONS)
    assert all(params["WithDecryption"] is False for name, params in calls if name == "GetParameter")
    document = TEMPLATE["Resources"]["PushPolicy"]["Properties"]["PolicyDocument"]
    granted = [statement(item, mill.bucket) for item in document["Statement"]]
    made = [Call("people", ACTIONS[name], about(mill, params)) for name, params in calls]
    assert [call for call in made if not any(item.allows(call) for item in granted)] == []
    puts = [params for name, params in calls if name == "PutObject" and params["Key"].endswith(".zip")]
    assert [params.get("IfNoneMatch") for params in puts] == ["*", "*"]
    listed = {params["Prefix"] for name, params in calls if name == "ListObjectsV2"}
    assert all(prefix.startswith((keys.PUSHED, keys.RUNS)) for prefix in listed)


def about(mill: Mill, params: dict[str, Any]) -> str:
    """Return what a call is about, as a policy names it."""
    if "jobDefinitionName" in params:
        return f"arn:aws:batch:{HERE}:job-definition/{params['jobDefinitionName']}"
    if "Name" in params:
        return f"arn:aws:ssm:{HERE}:parameter{params['Name']}"
    if "SecretId" in params:
        return f"arn:aws:secretsmanager:{HERE}:secret:{params['SecretId']}-AbCdEf"
    arn = f"arn:aws:s3:::{mill.bucket}"
    return str(params.get("jobDefinition") or (f"{arn}/{params['Key']}" if "Key" in params else arn))


def statement(item: dict, bucket: str) -> Statement:
    """Return a statement of the template's policy for a stack whose PushPrefix is `all`."""
    actions, resources = (value if isinstance(value, list) else [value] for value in (item["Action"], item["Resource"]))
    return Statement(
        "people", item.get("Sid", ""), tuple(actions), tuple(resolved(place, bucket) for place in resources)
    )


def resolved(place: Any, bucket: str) -> str:
    """Return a resource of the policy as it is in the stack `gristmill`; roles go by their logical names."""
    arn = f"arn:aws:s3:::{bucket}"
    text = place if isinstance(place, str) else place.get("Fn::Sub") or ".".join(place.get("Fn::GetAtt", ["Bucket"]))
    for name, value in {
        "${Bucket.Arn}": arn,
        "${PushPrefix}": "all",
        "${AWS::Partition}": "aws",
        "${AWS::Region}:${AWS::AccountId}": HERE,
        "${AWS::StackName}": "gristmill",
    }.items():
        text = text.replace(name, value)
    return arn if text in ("Bucket", "Bucket.Arn") else text


def test_policy_for_people_registers_for_this_stacks_names_and_gives_its_job_roles_alone():
    document = TEMPLATE["Resources"]["PushPolicy"]["Properties"]["PolicyDocument"]
    by_action = {action: item for item in document["Statement"] for action in statement(item, "b").actions}
    passing = by_action["iam:PassRole"]
    assert statement(passing, "b").resources == ("JobRole.Arn", "MpiJobRole.Arn", "SecretsRole.Arn")
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    for action in ("batch:RegisterJobDefinition", "batch:DeregisterJobDefinition", "batch:TagResource"):
        (place,) = statement(by_action[action], "b").resources
        assert place == f"arn:aws:batch:{HERE}:job-definition/gristmill-pushed-all*"
    assert by_action["batch:RegisterJobDefinition"]["Condition"] == {"BoolIfExists": {"batch:Privileged": "false"}}


def test_no_role_of_the_stack_registers_job_definitions_or_reads_secrets_but_the_one_that_starts_jobs():
    reading = {"ssm:GetParameters", "secretsmanager:GetSecretValue"}
    wanted = {*reading, "batch:RegisterJobDefinition", "iam:PassRole"}
    found = set()
    for name, resource in TEMPLATE["Resources"].items():
        policies = resource.get("Properties", {}).get("Policies", [])
        for policy in policies if name != "PushPolicy" else []:
            for item in policy.get("PolicyDocument", policy)["Statement"]:
                found |= {(name, action) for action in statement(item, "b").actions if action in wanted}
    assert found == {("SecretsRole", action) for action in reading}
