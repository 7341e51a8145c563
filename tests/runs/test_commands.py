"""Any program as a job, through the deployed template: what it is told, and how each way to fail is told of it."""

import os
from pathlib import Path

import pytest

from gristmill import keys
from gristmill.worker.child.reasons import MORE_TIME
from tests.integration.mill import Mill

TEXT = b"one\ntwo\nthree\n"
SHELL_TEXT = "a b\"; $(touch x) '*"


def test_a_command_and_a_script_see_their_input_and_parameters_untouched_by_a_shell(mill: Mill) -> None:
    run = mill.drop("tools", "text.txt", TEXT, word=SHELL_TEXT)
    assert mill.finish(run)["status"] == "SUCCEEDED"
    lines = [f"{task}\t{SHELL_TEXT}\t{line}\n" for task, line in ((0, "one"), (0, "two"), (1, "three"))]
    assert mill.read(keys.result("tools", "text.txt", run, "told.tsv")) == "".join(lines).encode()
    assert mill.read(keys.result("tools", "text.txt", run, "shouted.txt")) == TEXT.upper()
    log = mill.log(run)
    assert {"stdout of task 0", "stderr of task 1", f"word is {SHELL_TEXT}"} <= set(log)


@pytest.mark.parametrize(
    ("fault", "reason", "code"),
    [
        ("exit", "python ended with exit code 37", 37),
        ("crash", "python was killed by SIGSEGV", 139),
        (
            "mute",
            "python ended with exit code 0, but wrote no file to {output}. Write one file to {output}.",
            0,
        ),
        ("hang", f"ran past its time limit of 4 s. {MORE_TIME}", None),
    ],
)
def test_how_a_program_failed_is_told_as_it_was(mill: Mill, fault: str, reason: str, code: int | None) -> None:
    run = mill.drop("tools", f"{fault}.txt", b"fine\nfine\nBAD\nfine\n", fault=fault)
    outcome = mill.finish(run)
    assert outcome["status"] == "FAILED"
    loaded, shouted = mill.read_json(keys.check(run, "map", 0))["branches"]
    assert (loaded["missing"], shouted["missing"]) == (1, 0)
    (failure,) = loaded["failures"]
    assert (failure["reason"], failure["exit_code"], failure["task"]) == (reason, code, 1)
    if code:
        assert "stderr of task 1" in failure["detail"]
    if fault == "hang":
        (grandchild,) = [int(line.split()[-1]) for line in mill.log(run) if line.startswith("grandchild")]
        assert not is_alive(grandchild)


def test_a_script_is_strict(mill: Mill) -> None:
    run = mill.drop("tools", "pipe.txt", TEXT, fault="pipe")
    assert mill.finish(run)["status"] == "FAILED"
    failure = mill.read_json(keys.check(run, "map", 0))["branches"][1]["failures"][0]
    assert failure["exit_code"] == 1
    assert "nowhere" in failure["detail"]


def is_alive(pid: int) -> bool:
    """Tell a running process from one that is gone, or dead and not yet collected by whoever inherited it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
