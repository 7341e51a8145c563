"""A branch of several outputs, through the deployed template and the command line."""

from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli
from tests.unit.test_several_outputs import TEXT, WANTED

__all__ = ["cli"]


def test_each_output_is_a_result_of_its_own(mill: Mill, cli: Cli, tmp_path):
    run = mill.drop("several", "x.txt", TEXT)
    assert mill.finish(run)["status"] == "SUCCEEDED"
    fetched = cli("results", run, "--download", str(tmp_path))
    assert fetched.code == 0
    assert {file.name: file.read_bytes() for file in (tmp_path / run).iterdir() if "report" not in file.name} == WANTED
    shown = cli("status", run, "--json").json["stages"][0]["branches"]
    assert [(branch["branch"], branch["done"]) for branch in shown] == [("sorted", 4), ("cut", 4), ("said", 4)]
    listed = cli("pipelines", "show", "several").out
    assert all(name in listed for name in ("sorted.even", "sorted.table", "sorted.notes", "cut.last-line"))


def test_a_trial_makes_each_output(cli: Cli, tmp_path):
    file = tmp_path / "x.txt"
    file.write_bytes(TEXT)
    tried = cli("try", "several", str(file), "--json").json["branches"]
    assert [each["branch"] for each in tried[:3]] == ["sorted.even", "sorted.table", "sorted.notes"]
    assert [each["failed"] for each in tried] == [0] * len(tried)
