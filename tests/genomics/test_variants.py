"""The pipeline variants: alignments and calls are those of the tools on whole files, and find what was planted."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from batch_jobs.variants import sample
from gristmill import keys
from gristmill.cli.main import call
from gristmill.errors import ExitCode
from tests.genomics.whole import alignments, calls, genotypes, make_whole, shell
from tests.integration.mill import Mill

BASES = 60_000
SEED = 7
FILES = ("genome.fa", "planted.vcf", "reads_1.fastq", "reads_2.fastq")
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    sample.write(folder, BASES, 30, SEED)
    make_whole(folder)
    return folder


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def called(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = call(words)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return called


@pytest.fixture
def run(mill: Mill, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[dict[str, Any], Path]]:
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))

    def made(library: Path, genome: Path | None = None, **parameters: object) -> tuple[dict[str, Any], Path]:
        words = ["run", "variants", str(library / "reads_1.fastq"), "--input", f"mates={library / 'reads_2.fastq'}"]
        words += ["--input", f"genome={genome or library / 'genome.fa'}", "--results", "out", "--json"]
        words += [word for name, value in parameters.items() for word in ("--param", f"{name}={value}")]
        _, out, err = cli(*words)
        shown = json.loads(out) if out else {"error": err}
        return shown, next(iter(Path("out").glob("*")), Path()).resolve()

    return made


def assert_as_whole(made: Path, library: Path) -> None:
    assert alignments(made, "alignments.bam") == alignments(library, "whole.bam")
    assert calls(made, "calls.vcf.gz") == calls(library, "whole.vcf")


@pytest.mark.parametrize(("pairs", "window"), [(700, 9000), (1999, 1234)])
def test_a_run_of_any_chunks_has_the_alignments_and_the_calls_of_the_tools_on_whole_files(
    run, mill: Mill, library: Path, pairs: int, window: int
):
    shown, made = run(library, pairs_per_task=pairs, window=window)
    assert shown["status"] == "SUCCEEDED", shown
    assert_as_whole(made, library)
    report = mill.read_json(keys.result("variants", "reads_1.fastq", shown["run"], "report.json"))
    assert {(entry["check"]["of"], entry["verdict"]) for entry in report["checks"]} == {
        ("alignments.figures", "PASSED"),
        ("figures", "PASSED"),
    }
    heads = shell(made, "samtools view --no-PG -H alignments.bam").splitlines()
    assert [line.split("\t")[0] for line in heads] == ["@HD", "@SQ", "@SQ", "@RG", "@PG"]  # one @PG for all tasks
    some = "chr2:3000-3100"  # by the index that came along
    assert shell(made, f"samtools view -c alignments.bam {some}") == shell(
        library, f"samtools view -c whole.bam {some}"
    )
    assert_told(made, library)


def assert_told(made: Path, library: Path) -> None:
    """Table, picture and figures have every call."""
    called = calls(library, "whole.vcf")
    with (made / "table.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["contig"], row["position"], row["alternative"]) for row in rows] == [
        (fields[0], fields[1], fields[4]) for fields in (line.split("\t") for line in called)
    ]
    picture = ElementTree.parse(made / "picture.svg").getroot()  # noqa: S314 - it is the pipeline's own
    assert len(picture.findall("{*}circle")) == len(called)
    figures = json.loads((made / "figures.json").read_text())
    stats = shell(library, "bcftools stats whole.vcf | grep ^TSTV").split()
    assert (figures["calls"], figures["ti_tv"]) == (len(called), pytest.approx(float(stats[4]), abs=0.006))
    reads = json.loads((made / "alignments.figures.json").read_text())
    assert reads["reads"] == int(shell(library, "samtools view -c -F 0x900 whole.bam"))
    assert 1 < reads["duplicates_percent"] < 3  # the sample has 2 %
    assert 98 < reads["mapped_percent"] < 99.5  # and 1 % strangers


def test_the_calls_are_what_was_planted(library: Path):
    planted, called = genotypes(library, "planted.vcf"), genotypes(library, "whole.vcf")
    assert len(planted) > 120
    recall, precision = len(planted & called) / len(planted), len(planted & called) / len(called)
    assert (recall, precision) >= (0.97, 0.97), f"{planted - called} were missed, {called - planted} are wrong"
    assert precision >= 0.97


def test_reads_of_another_genome_fail_with_the_question_that_helps(run, library: Path, tmp_path: Path):
    sample.write(tmp_path / "other", 20_000, 0.1, SEED + 1)
    shown, _ = run(library, tmp_path / "other" / "genome.fa", pairs_per_task=4000)
    assert shown["status"] == "FAILED"
    assert "Is it the one that the sample is of?" in json.dumps(shown)


def tried(cli: Cli, library: Path, *words: str) -> tuple[int, str, str]:
    given = ["try", "variants", str(library / "reads_1.fastq"), "-i", f"mates={library / 'reads_2.fastq'}"]
    return cli(*given, "-i", f"genome={library / 'genome.fa'}", *words)


@pytest.mark.parametrize("missing", ["minimap2", "samtools", "bcftools"])
def test_where_a_tool_is_missing_the_first_task_says_what_to_install(
    cli: Cli, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
):
    (tmp_path / "bin").mkdir()
    for name in {"bash", "ln", "minimap2", "samtools", "bcftools"} - {missing}:
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    code, out, err = tried(cli, library)
    assert code == ExitCode.FAILED
    assert f"{missing} is not installed here. Run: apt-get install minimap2 samtools bcftools" in out + err


def test_a_name_that_would_break_the_header_is_refused(cli: Cli, library: Path):
    code, out, err = tried(cli, library, "-p", "sample=a\tb")
    assert code == ExitCode.FAILED
    assert "name it plainly" in out + err


def test_contigs_with_odd_names_are_called(cli: Cli, tmp_path: Path):
    odd = "HLA-A*01:01:01:01"
    sample.write(tmp_path / "odd", 8000, 40, SEED)
    for name in ("genome.fa", "planted.vcf"):
        file = tmp_path / "odd" / name
        file.write_text(file.read_text().replace("chr1", odd))
    assert tried(cli, tmp_path / "odd", "--results", "out", "--tasks", "99")[0] == ExitCode.OK
    called = genotypes(tmp_path / "out" / "try", "calls.vcf.gz")
    planted = genotypes(tmp_path / "odd", "planted.vcf")
    assert any(line.startswith(odd) for line in planted)
    assert len(called & planted) >= 0.9 * len(planted)


def test_the_sample_is_the_same_for_the_same_seed_and_its_variants_are_normal(library: Path, tmp_path: Path):
    sample.write(tmp_path, BASES, 30, SEED)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (library / name).read_bytes(), name
    sample.write(tmp_path, BASES, 30, SEED + 1)
    assert not any((tmp_path / name).read_bytes() == (library / name).read_bytes() for name in FILES)
    normal = shell(library, "bcftools norm --no-version -c e -f genome.fa planted.vcf | grep -v '^#'")
    assert normal == shell(library, "grep -v '^#' planted.vcf")
