"""What belongs to a stage of a run: what it reads, and how that is shared out."""

from dataclasses import dataclass

from gristmill.keys.runs import run_prefix


@dataclass(frozen=True)
class StageKeys:
    """Where one cut of a stage's input lies. Another input, or another way to cut it, has another fingerprint."""

    run: str
    stage: str
    fingerprint: str

    @property
    def chunks(self) -> str:
        """Return the key of the chunk index."""
        return f"{self._prefix}chunks-{self.fingerprint}.idx"

    @property
    def mates(self) -> str:
        """Return the key of the chunk index of the mates of what the stage reads."""
        return f"{self._prefix}mates-{self.fingerprint}.idx"

    @property
    def cut(self) -> str:
        """Return the key of the record of what the stage reads, and of the index that it was cut by."""
        return f"{self._prefix}cut-{self.fingerprint}.json"

    @property
    def items(self) -> str:
        """Return the key of the list of parts that the stage reads, one JSON object a line."""
        return f"{self._prefix}items-{self.fingerprint}.jsonl"

    @property
    def _prefix(self) -> str:
        return f"{run_prefix(self.run)}{self.stage}/"
