"""A reason names the trouble: what is wrong, where, and how to mend it; and what only looks odd is read right."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from gristmill.runs.drop import Drop
from gristmill.steps.split.claimant import Claimant
from gristmill.steps.split.split import split
from tests.unit.odd_inputs import READ, REFUSED, Odd, Sound
from tests.unit.reading import KEY, MemoryStorage, read, record_of
from tests.unit.test_readers_agree import check_refusal


def refusal_of_split(split_by: dict, body: bytes, folder: Path) -> str:
    """Return why Split refuses a file that is dropped; "" where it leaves that to the tasks."""
    (folder / "odd").mkdir()
    pipeline = record_of(split_by, body).pipeline
    assert pipeline
    (folder / "odd" / "pipeline.yaml").write_text(yaml.safe_dump(pipeline.model_dump(mode="json", exclude_unset=True)))
    drop = Drop("memory", KEY, None, "", len(body), "", "")
    claimant = Claimant("execution", datetime(2026, 1, 2, tzinfo=UTC), [folder])
    answer = split(MemoryStorage({KEY: body}), drop, claimant)
    assert answer["verdict"] in ("GO", "INVALID")
    return str(answer["reason"])


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_the_trouble(name: str, tmp_path: Path) -> None:
    odd: Odd = REFUSED[name]
    reading = read(odd.split, odd.body)
    shown = refusal_of_split(odd.split, odd.body, tmp_path) or reading.refusal
    assert shown == reading.refusal
    check_refusal(shown)
    assert [words for words in odd.words if words not in shown] == [], shown


@pytest.mark.parametrize("name", READ)
def test_what_only_looks_odd_is_read_right(name: str) -> None:
    sound: Sound = READ[name]
    reading = read(sound.split, sound.body)
    assert reading.refusal == ""
    assert reading.records == sound.records
    header = sound.split.get("header") or "header_bytes" in sound.split
    assert len(reading.chunks) == 1 if header else True
    assert b"".join(reading.chunks) == (sound.body if sound.text is None else sound.text)
