"""Runs of several inputs: one is cut, its mates at the same records, the others are given whole in frozen versions."""

import gzip
import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from gristmill import keys
from gristmill.client.drop.references import put_reference
from gristmill.client.stack import Stack
from gristmill.errors import Refused
from gristmill.formats.blocks import MAGIC
from gristmill.runs.locations import find_branch, frozen, stage_keys
from gristmill.runs.pinned import read_cut
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import read_failures, read_record
from gristmill.steps.split.claimant import Claimant
from gristmill.storage.resumable import Hearer
from gristmill.storage.s3 import S3Storage
from gristmill.worker.child.whole_inputs import Whole, stage_whole, whole_of
from tests.unit.conftest import ROOTS
from tests.unit.walk import event, walk

READS, MATES, GENOME = "uploads/a/R1.fq", "uploads/b/R2.fq", "references/genome.fa"
KEY = keys.note_key("mates", "sample")
PAIRS = 250


def fastq(names: list[str], letter: str = "A") -> bytes:
    sizes = [number % 7 + 1 for number in range(len(names))]
    records = (f"@{name}\n{letter * size}\n+\n{'I' * size}\n" for name, size in zip(names, sizes, strict=True))
    return "".join(records).encode()


def names(mate: int, style: str = "{}/{mate}") -> list[str]:
    return [style.format(f"read{number}", mate=mate) for number in range(PAIRS)]


def put(store: S3Storage, reads: bytes, mates: bytes, **more: Any) -> dict[str, Any]:
    """Put both files and the genome; return the event of the note that names them."""
    for key, body in ((READS, reads), (MATES, mates), (GENOME, b">chr1\nACGT\n")):
        store.put(key, body)
    note = {"contract": 1, "input": READS, "inputs": {"mates": MATES}, "params": {"reads_per_task": "30"}, **more}
    return event(store, KEY, json.dumps(note).encode())


@pytest.fixture
def ended(store: S3Storage, claimant: Claimant, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    monkeypatch.setenv("GRISTMILL_PIPELINES", str(ROOTS[1]))
    return lambda request, **how: walk(store, claimant, monkeypatch, request, **how)


def results(store: S3Storage, run: str) -> dict[str, bytes]:
    prefix = keys.results_prefix("mates", "sample", run)
    return {found.key.removeprefix(prefix): store.find(found.key) or b"" for found in store.list(prefix)}


def expected(reads: bytes, mates: bytes) -> bytes:
    lines, others = reads.splitlines(), mates.splitlines()
    return b"".join(name + b" " + sequence + b"\n" for name, sequence in zip(lines[::4], others[1::4], strict=True))


def bgzip(data: bytes) -> bytes:
    """Compress as bgzip does, in blocks of 3,000 bytes of data, so that records lie across blocks."""
    import zlib

    made = b""
    for place in [*range(0, len(data), 3000), len(data)]:
        part = data[place : place + 3000]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = packer.compress(part) + packer.flush()
        size = len(body) + 25
        made += MAGIC + b"\0\0\0\0\0\xff\x06\0BC\x02\0" + size.to_bytes(2, "little") + body
        made += zlib.crc32(part).to_bytes(4, "little") + len(part).to_bytes(4, "little")
    return made


@pytest.mark.parametrize("style", ["{}/{mate}", "{}", "{} {mate}:N:0:ATCACG", "{}\t{mate}:Y:18:1"])
@pytest.mark.parametrize("packed", [bytes, bgzip, gzip.compress])
def test_pairs_are_cut_at_the_same_records_however_they_are_stored(store: S3Storage, ended, style: str, packed):
    reads, mates = fastq(names(1, style)), fastq(names(2, style), "C")
    end = ended(put(store, packed(reads), packed(mates)))
    assert (end["verdict"], end["last"]) == ("COMPLETE", True), end
    made = results(store, end["run"])
    assert made["called.txt"] == made["coded.txt"] == expected(reads, mates)
    assert made["summed.txt"] == b">chr1\nACGT\n" + expected(reads, mates)
    assert read_record(store, end["run"]).inputs["genome"].key == GENOME


@pytest.mark.parametrize(
    ("reads", "mates", "fault"),
    [
        (names(1), names(2)[:-1],
         "mates has 249 records, reads 250: first without a mate is read249 of reads (record 250). Give two files of "
         "the same reads, whole."),
        (names(1), names(2)[:100] + names(2)[101:],
         "mates has 249 records, reads 250: first without a mate is read100 of reads (record 101). Give two files of "
         "the same reads, whole."),
        (names(1)[1:], names(2),
         "mates has 250 records, reads 249: first without a mate is read0 of mates (record 1). Give two files of the "
         "same reads, whole."),
        (names(2), names(1),
         "record 1: read0 says that it is the second of its pair in reads, and the first in mates. Give the two files "
         "the other way round."),
        (names(1), names(1), "record 1: read0 says that it is the first of its pair in both. Give both files of the "
         "pair."),
        (names(1, "{} {mate}:N:0:A"), names(1, "{} {mate}:N:0:A"), "record 1: read0 says that it is the first of its "
         "pair in both. Give both files of the pair."),
        (names(1), [f"x{name}" for name in names(2)], "record 1: reads has read0, and mates has xread0. Give two files "
         "of the same reads in the same order."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("packed", [bytes, bgzip])
def test_files_that_are_no_pair_are_refused_at_once(store: S3Storage, ended, packed, reads, mates, fault):
    end = ended(put(store, packed(fastq(reads)), packed(fastq(mates))))
    assert (end["verdict"], end["reason"]) == ("INVALID", fault)


def test_a_pair_of_which_one_cannot_be_cut_is_refused(store: S3Storage, ended):
    end = ended(put(store, gzip.compress(fastq(names(1))), fastq(names(2))))
    assert end["reason"] == (
        "reads is gzip, which can be read from its beginning alone, and mates is not: a pair is cut at the same "
        "records. Compress both with bgzip, or neither."
    )


def swapped(order: list[str]) -> list[str]:
    return [*order[:137], order[138], order[137], *order[139:]]


@pytest.mark.parametrize(
    ("packed", "reads", "mates", "fault"),
    [
        (bytes, names(1), swapped(names(2)), "record 138: reads has read137, and mates has read138"),
        (bgzip, names(1), swapped(names(2)), "record 138: reads has read137, and mates has read138"),
        (gzip.compress, names(1), swapped(names(2)), "record 138: reads has read137, and mates has read138"),
        (gzip.compress, names(1), names(2)[:-1],
         "mates has 249 records for this task, reads more: first without a mate is read249 of reads"),
        (gzip.compress, names(1)[:-1], names(2),
         "mates has 250 records for this task, reads 249: first without a mate is read249 of mates"),
        (bytes, names(1), [*names(2)[:200], "read200/1", *names(2)[201:]],
         "record 201: read200 says that it is the first of its pair in both"),
    ],
)  # fmt: skip
def test_each_task_holds_its_reads_against_their_mates(store: S3Storage, ended, packed, reads, mates, fault):
    """A refusal: no other attempt would find it otherwise. Function and command say the same."""
    end = ended(put(store, packed(fastq(reads)), packed(fastq(mates))))
    assert end["verdict"] == "FAILED"
    record = read_record(store, end["run"])
    for branch in ("called", "coded"):
        place = keys.BranchKeys(record.run, "align", branch, record.fingerprints[branch])
        (failure,) = read_failures(store, place.failures)
        assert failure.refused and fault in failure.reason
    assert results(store, end["run"]) == {}


@pytest.mark.parametrize(
    ("note", "faults"),
    [
        ({"inputs": {}}, "mates was not given; add --input mates=FILE_OR_KEY, or name it in the drop note's inputs"),
        ({"inputs": {"mates": MATES, "reads": READS}},
         "reads is the file that is cut into tasks: name it as the note's input"),
        ({"inputs": {"mates": MATES, "genom": GENOME}},
         "mates has no input genom (it has: mates, genome); did you mean genome?"),
        ({"inputs": {"mates": MATES, "genome": "references/other.fa"}},
         "genome: references/other.fa does not exist; put it there with: gristmill references put other.fa"),
        ({"inputs": {"mates": MATES, "genome": MATES}}, "genome's name must end in one of: .fa"),
        ({"inputs": {"mates": MATES, "genome": "references/empty.fa"}}, "genome is empty: references/empty.fa"),
        ({"input": GENOME}, "the file's name must end in one of: .fq, .fq.gz"),
    ],
)  # fmt: skip
def test_inputs_that_cannot_be_are_refused(store: S3Storage, ended, note, faults):
    store.put("references/empty.fa", b"")
    end = ended(put(store, fastq(names(1)), fastq(names(2)), **note))
    assert (end["verdict"], end["reason"]) == ("INVALID", faults)


def test_a_default_that_is_not_there_is_refused(store: S3Storage, ended):
    request = put(store, fastq(names(1)), fastq(names(2)))
    store.delete(GENOME)
    end = ended(request)
    assert end["reason"] == (f"genome: {GENOME} does not exist; put it there with: gristmill references put genome.fa")


def test_a_file_alone_lacks_its_mates(store: S3Storage, ended):
    store.put(GENOME, b">a\nA\n")
    end = ended(event(store, "inputs/mates/R1.fq", fastq(names(1))))
    assert end["reason"].startswith("mates was not given; add --input mates=FILE_OR_KEY")


def test_a_reference_replaced_during_a_run_is_not_read(store: S3Storage, ended):
    reads, mates = fastq(names(1)), fastq(names(2))
    end = ended(put(store, reads, mates), before=lambda _cursor: store.put(GENOME, b">other\nTTTT\n"))
    assert end["verdict"] == "COMPLETE"
    assert results(store, end["run"])["summed.txt"] == b">chr1\nACGT\n" + expected(reads, mates)


def whole_in(store: S3Storage, record: RunRecord, name: str) -> dict[str, Whole]:
    stage, branch = find_branch(frozen(record), name)
    return whole_of(record, stage, branch, read_cut(store, stage_keys(record, stage.name)))


def test_a_version_that_is_gone_is_refused_and_no_other_is_read(store: S3Storage, ended, tmp_path):
    record = read_record(store, ended(put(store, fastq(names(1)), fastq(names(2))))["run"])
    whole = whole_in(store, record, "called")
    assert stage_whole(store, whole, tmp_path)["genome"].read_bytes() == b">chr1\nACGT\n"
    version = record.inputs["genome"].version
    store.put(GENOME, b">other\nTTTT\n")
    store.client.delete_object(Bucket=store.bucket, Key=GENOME, VersionId=version)
    with pytest.raises(Refused) as refused:
        stage_whole(store, whole, tmp_path)
    fault = (
        f"genome: the {GENOME} that the run began with (version {version}) is gone, and no other is read in its place"
    )
    assert str(refused.value) == f"{fault}. Drop the file again."


def test_what_one_task_is_given_whole_no_task_changes(store: S3Storage, ended, tmp_path):
    record = read_record(store, ended(put(store, fastq(names(1)), fastq(names(2))))["run"])
    file = stage_whole(store, whole_in(store, record, "coded"), tmp_path)["genome"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o444 and file.name == "genome.fa"


def test_mates_that_are_replaced_are_read_as_they_were(store: S3Storage, ended):
    reads, mates = fastq(names(1)), fastq(names(2))
    end = ended(put(store, reads, mates), before=lambda _cursor: store.put(MATES, b"@x\nA\n+\nI\n"))
    assert results(store, end["run"])["called.txt"] == expected(reads, mates)


def test_another_genome_or_other_mates_are_another_computation(store: S3Storage, ended):
    reads = fastq(names(1))
    first = read_record(store, ended(put(store, reads, fastq(names(2))))["run"])
    second = read_record(store, ended(put(store, reads, fastq(names(2), "C")))["run"])
    assert first.cuts["align"] != second.cuts["align"]
    assert first.inputs["mates"].version != second.inputs["mates"].version


def test_coreutils_agree_on_which_mates_belong_to_which_reads(tmp_path):
    """So that the helper which all the tests above go by is not itself wrong."""
    reads, mates = fastq(names(1)), fastq(names(2))
    (tmp_path / "r").write_bytes(reads)
    (tmp_path / "m").write_bytes(mates)
    command = 'paste -d " " <(sed -n 1~4p r) <(sed -n 2~4p m)'
    made = subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    assert made.stdout == expected(reads, mates)


@pytest.mark.parametrize("name", ["", "x/", "/x", "a//x", "../x", "a/./x"])
def test_a_reference_has_a_name_that_clients_and_urls_keep(name: str, tmp_path: Path):
    with pytest.raises(Refused, match="is no name of a file"):
        put_reference(cast(Stack, None), tmp_path, name, Hearer(lambda _: None, lambda _: None), tmp_path)
