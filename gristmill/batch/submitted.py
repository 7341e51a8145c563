"""The record of a command that was submitted as a job: the client writes it, the job reads it."""

from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, field_validator


class SubmittedCommand(BaseModel):
    """The command, and the files that lie beside it when it runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: list[str] = Field(min_length=1)
    files: list[str] = []

    @field_validator("files")
    @classmethod
    def _are_names(cls, files: list[str]) -> list[str]:
        """Refuse what would be written elsewhere than into the job's own folder."""
        for name in files:
            if name in ("", ".", "..") or PurePosixPath(name).name != name:
                raise ValueError(f"{name!r} is no file's name")
        return files
