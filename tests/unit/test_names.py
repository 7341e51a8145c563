"""Names tell content: gzip goes in, plain files come out, and a command's files are called what they are."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.cli import main
from gristmill.errors import ExitCode
from gristmill.formats.names import plain_name, plain_suffix, says_gzip, stored_suffix
from gristmill.pipeline.model import Accepts
from gristmill.runs.drop import Drop
from gristmill.steps.split.refusals import object_faults
from gristmill.storage.protocol import ObjectInfo
from gristmill.worker.child.record_end import gzip_member
from tests.unit.conftest import ROOTS
from tests.unit.reading import record_of

TEXT = b"a\nb\n"
PACKED = gzip.compress(TEXT, mtime=0)
BLOCKS = gzip_member(TEXT) + gzip_member(b"")


@pytest.mark.parametrize(
    ("name", "body", "ending", "stored"),
    [
        ("r.fastq", TEXT, ".fastq", ".fastq"),
        ("r.fastq.gz", PACKED, ".fastq", ".fastq.gz"),
        ("x.csv.bgz", BLOCKS, ".csv", ".csv.bgz"),
        ("X.TXT.GZ", PACKED, ".TXT", ".TXT.GZ"),
        ("reads.gz", PACKED, "", ".gz"),
        ("plain.txt.gz", TEXT, ".txt", ".txt"),
        ("hidden.txt", PACKED, ".txt", ".txt"),
        ("reads", TEXT, "", ""),
    ],
)
def test_results_and_the_files_of_commands_are_called_what_they_are(
    monkeypatch, tmp_path: Path, capsys, name: str, body: bytes, ending: str, stored: str
):
    monkeypatch.setenv("GRISTMILL_PIPELINES", str(ROOTS[1]))
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(body)
    assert main.call(["try", "named", name, "--results", "out"]) == ExitCode.OK, capsys.readouterr()
    made = {
        path.relative_to("out/try").as_posix(): path.read_bytes() for path in Path("out").rglob("*") if path.is_file()
    }
    del made["files/files.csv"]
    assert made == {
        f"called{ending}": (names := f"input{ending}\noutput{ending}\n".encode()),
        f"files/000000000000{ending}": names,
        "made.page": TEXT,
        "later.txt": b"input.page\noutput.txt\n",
        f"stored{ending}": f"input{stored}\noutput{ending}\n".encode(),
    }


@given(st.text(st.sampled_from("aG./z"), max_size=8), st.sampled_from(["", ".gz", ".BGZ", ".bgzf", ".gzip"]))
def test_a_name_is_its_plain_name_and_how_it_is_stored(name: str, stored: str):
    whole = name + stored
    assert says_gzip(whole) == (plain_name(whole) != whole)
    assert stored_suffix(whole).startswith(plain_suffix(whole))
    assert whole.endswith(stored_suffix(whole)) or whole.endswith(".")
    assert not says_gzip(plain_suffix(whole)) or says_gzip(plain_name(whole))


def test_a_name_ends_as_a_pipeline_accepts_in_capitals_or_not():
    pipeline = record_of({"records": "lines", "records_per_task": 1}, b"x").pipeline
    assert pipeline
    pipeline = pipeline.model_copy(update={"accepts": Accepts(suffixes=[".FASTA", ".fa"])})
    for name, faults in (("x.FASTA", 0), ("x.fasta", 0), ("x.Fa", 0), ("x.txt", 1)):
        drop = Drop("memory", f"inputs/odd/{name}", None, "", 1, "", "")
        assert len(object_faults(ObjectInfo(drop.key, 1, ""), pipeline)) == faults
