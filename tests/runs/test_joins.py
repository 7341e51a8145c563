"""Branches that a stage reads beside its input, through the deployed template, by each kind of job."""

from gristmill import keys
from tests.integration.mill import Mill

TEXT = b"a b\nc\nd e f\n"


def test_other_branches_reach_every_kind_of_job(mill: Mill) -> None:
    runs = {deep: mill.drop("joins", f"{deep}.txt", TEXT, deep=deep) for deep in ("true", "false")}
    for deep, run in runs.items():
        assert mill.finish(run)["status"] == "SUCCEEDED"
        depth = b"deep\n" if deep == "true" else b"flat\n"
        lines = [line.upper() for line in TEXT.splitlines(keepends=True)]
        wanted = b"".join(line + b"%d\n" % len(line.split()) + depth + TEXT.upper() for line in lines)
        for name in ("function", "command", "script"):
            assert mill.read(keys.result("joins", f"{deep}.txt", run, f"{name}.txt")) == wanted
