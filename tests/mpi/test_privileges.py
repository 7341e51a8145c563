"""Promise 11 for the nodes of MPI branches: what they call is what their role allows, and it allows little else."""

import pytest

from embedded_aws.settings.settings import CALLS_FILE
from tests.integration.mill import Mill
from tests.integration.policies import Call, Statement, read_calls, refused, statements, unused

# what is granted and not used by the runs below, and when it is
SELDOM = {
    ("ReadInputs", "s3:GetObject"): "a stage that reads a result of an earlier one, or a bucket without versions",
    ("ReadInputs", "s3:GetObjectVersion"): "the same, in one statement with the dropped files",
    ("ReadLibraries", "s3:GetObject"): "a bucket without versions",
    ("ReadLibraries", "s3:GetObjectVersion"): "a pipeline that was pushed with libraries",
    ("MeetAndCommit", "s3:AbortMultipartUpload"): "an output whose upload fails in its middle",
    ("KeepFilesOfItsOwn", "s3:PutObject"): "a program that keeps checkpoints, or a store of arrays beside its output",
    ("KeepFilesOfItsOwn", "s3:AbortMultipartUpload"): "the same, where an upload fails in its middle",
}


@pytest.fixture(scope="module")
def role(mpi_mill: Mill) -> str:
    return mpi_mill.physical("MpiJobRole")


@pytest.fixture(scope="module")
def allowed(mpi_mill: Mill, role: str) -> list[Statement]:
    return list(statements(mpi_mill.client("iam"), role))


@pytest.fixture(scope="module")
def made(mpi_mill: Mill, role: str) -> list[Call]:
    """Have a function that streams its input, a program that wants files, and one that fails; return the calls."""
    runs = [
        mpi_mill.drop("mpi-ring", "privileges.txt", b"40\n"),
        mpi_mill.drop("mixed", "privileges.txt", b"1\n2\n3\n4\n"),
        mpi_mill.drop("solver", "privileges.txt", b"12345", fail="exit"),
    ]
    assert [mpi_mill.finish(run, 120)["status"] for run in runs] == ["SUCCEEDED", "SUCCEEDED", "FAILED"]
    return [call for call in read_calls(mpi_mill.data / CALLS_FILE) if call.role == role]


def test_every_call_is_allowed(made: list[Call], allowed: list[Statement], role: str):
    assert {call.action for call in made} == {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:ListBucket"}
    assert refused(made, allowed, [role]) == []


def test_every_grant_is_used_or_has_a_reason(made: list[Call], allowed: list[Statement]):
    assert {(sid, action) for _, sid, action in unused(made, allowed)} - set(SELDOM) == set()


def test_nodes_meet_under_their_own_run_alone(made: list[Call]):
    """What a node writes lies under `work/`, and under `mpi/` there only what nodes tell each other."""
    written = {call.resource.partition(":::")[2].partition("/")[2] for call in made if call.action == "s3:PutObject"}
    assert written
    assert all(key.startswith("work/") for key in written)
    assert any("/mpi/" in key for key in written)


def test_no_grant_is_wide(allowed: list[Statement]):
    assert not any("*" in action for statement in allowed for action in statement.actions)
    assert not any(resource in ("*", "arn:aws:s3:::*") for statement in allowed for resource in statement.resources)
