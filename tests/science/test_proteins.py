"""The pipeline proteins: its values are Biopython's, whatever the file holds, and standard readers open its outputs."""

import base64
import io
import math
import re
from pathlib import Path

import pytest
from Bio import SeqIO
from Bio.SeqUtils.ProtParam import ProteinAnalysis
from matplotlib import image
from pyarrow import parquet

from batch_jobs.proteins import properties, sample
from batch_jobs.proteins.columns import COLUMNS, PERCENTS, RESIDUES, VALUES
from gristmill import keys
from tests.integration.mill import Mill


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("fasta") / "sample.faa"
    sample.write(file, 400, seed=3)
    return file


def analysed(text: str, nonstandard: str = "empty") -> list[dict[str, str]]:
    """Return the rows that the job makes of a FASTA text in one piece."""
    made = io.BytesIO()
    properties.analyse(io.BytesIO(text.encode()), made, {"nonstandard": nonstandard})
    head, *rows = made.getvalue().decode().splitlines()
    assert tuple(head.split("\t")) == COLUMNS
    return [dict(zip(COLUMNS, row.split("\t"), strict=True)) for row in rows]


def by_biopython(sequence: str) -> dict[str, float]:
    protein = ProteinAnalysis(sequence)
    return {
        "length": len(sequence),
        "molecular_weight": protein.molecular_weight(),
        "isoelectric_point": protein.isoelectric_point(),
        "gravy": protein.gravy(),
        "instability_index": protein.instability_index(),
        **{f"percent_{residue}": percent for residue, percent in protein.amino_acids_percent.items()},
    }


def test_a_run_over_many_chunks_gives_what_biopython_gives_of_the_whole_file_in_one_process(mill: Mill, fasta: Path):
    run = mill.drop("proteins", "sample.faa", fasta.read_bytes(), sequences_per_task="37")
    assert mill.finish(run, seconds=240)["status"] == "SUCCEEDED"

    def result(name: str) -> bytes:
        return mill.read(keys.result("proteins", "sample.faa", run, name))

    rows = [line.split("\t") for line in result("properties.tsv").decode().splitlines()]
    assert tuple(rows.pop(0)) == COLUMNS
    records = list(SeqIO.parse(fasta, "fasta"))
    assert [row[0] for row in rows] == [record.id for record in records]
    standard = 0
    for row, record in zip(rows, records, strict=True):
        shown = dict(zip(COLUMNS, row, strict=True))
        if set(record.seq) <= set(RESIDUES) and record.seq:
            standard += 1
            assert shown["flags"] == ""
            assert {name: float(shown[name]) for name in COLUMNS[1:-1]} == by_biopython(str(record.seq))
        else:
            assert shown["flags"]
    assert 350 < standard < 400
    assert_same_table(result("table.parquet"), rows)
    picture = result("distributions.png")
    assert image.imread(io.BytesIO(picture)).shape[:2] == (700, 1200)
    page = result("summary.html").decode()
    assert f"{len(rows)} sequences" in page
    (embedded,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert base64.b64decode(embedded) == picture
    assert "http" not in page


def assert_same_table(made: bytes, rows: list[list[str]]) -> None:
    table = parquet.read_table(io.BytesIO(made))
    assert tuple(table.column_names) == COLUMNS
    for place, name in enumerate(COLUMNS):
        fields = [row[place] for row in rows]
        if name in ("id", "flags"):
            assert table[name].to_pylist() == fields
        else:
            assert table[name].to_pylist() == [float(text) if text else None for text in fields]


@pytest.mark.parametrize(
    ("sequence", "length", "flags"),
    [
        ("MKVX", 4, "nonstandard=X:1"),
        ("BJOUXZ", 6, "nonstandard=B:1,J:1,O:1,U:1,X:1,Z:1"),
        ("M-K.V*", 3, "gaps=2;stops=1"),
        ("*", 0, "stops=1;empty"),
        ("", 0, "empty"),
        ("mkv", 3, ""),
        ("M", 1, ""),
        ("M K\tV", 3, ""),
        ("MK1é;ß", 6, "nonstandard=U+0031:1,U+003B:1,U+00DF:1,U+00E9:1"),
    ],
)
def test_whatever_is_no_residue_is_flagged_and_nothing_crashes(sequence: str, length: int, flags: str):
    for nonstandard in ("empty", "left-out"):
        (row,) = analysed(f">one more words\r\n{sequence}\n", nonstandard)
        assert (row["id"], row["length"], row["flags"]) == ("one", str(length), flags)
        known = "".join(letter for letter in sequence.replace("ß", "").upper() if letter in RESIDUES)
        has_values = known and ("nonstandard" not in flags or nonstandard == "left-out")
        expected = by_biopython(known) if has_values else {}
        assert [float(row[name]) if row[name] else None for name in VALUES] == [expected.get(name) for name in VALUES]
        shares = [float(row[name]) for name in PERCENTS if row[name]]
        assert math.isclose(sum(shares), 100 * len(known) / length) if length else shares == []


def test_names_of_any_kind_keep_their_row():
    rows = analysed(">\nMK\n>a\tb\nMK\n>\u00e4 x\nMK\n")
    assert [row["id"] for row in rows] == ["", "a", "\u00e4"]
    made = io.BytesIO()
    properties.analyse(io.BytesIO(b">caf\xe9\nMK\n"), made, {"nonstandard": "empty"})
    assert made.getvalue().splitlines()[1].startswith(b"caf\\udce9\t2\t")


def test_the_sample_is_the_same_for_the_same_seed_and_odd_now_and_then(fasta: Path, tmp_path: Path):
    again = tmp_path / "again.faa"
    sample.write(again, 400, seed=3)
    assert again.read_bytes() == fasta.read_bytes()
    residues = "".join(str(record.seq) for record in SeqIO.parse(fasta, "fasta"))
    assert set(residues) - set(RESIDUES)
    assert 0.08 < residues.count("L") / len(residues) < 0.11


def test_a_table_of_nothing_but_odd_sequences_is_summarised(capsys, tmp_path: Path, monkeypatch):
    from gristmill.cli import main

    file = tmp_path / "odd.fa"
    file.write_text(">a\nXXX\n>b\n\n>c\n*\n")
    monkeypatch.chdir(tmp_path)
    assert main.call(["try", "proteins", str(file), "--results", "out"]) == 0
    page = (tmp_path / "out" / "try" / "summary.html").read_text()
    assert "3 sequences, 3 residues. 1 have letters other than the 20. 1 have stops. 2 are empty." in page
