"""What every command works with: where it acts, and how errors end."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import typer

from gristmill.cli.terminal.show import note
from gristmill.client.target import Target, Wanted, choose
from gristmill.client.version import difference
from gristmill.errors import GristmillError

if TYPE_CHECKING:
    from gristmill.client.outage import Patience
    from gristmill.client.runs.find import Run
    from gristmill.client.stack import Stack
    from gristmill.storage.s3 import S3Storage


@dataclass
class Session:
    """The options before the command's name."""

    wanted: Wanted
    stack_name: str
    verbose: bool

    @cached_property
    def target(self) -> Target:
        """Return the AWS that is meant; says so on stderr."""
        target = choose(self.wanted, os.environ)
        note(target.describe())
        note_version(target.started_by)
        return target

    @cached_property
    def stack(self) -> "Stack":
        """Return the deployed stack, to look and to end; says so on stderr where it is changing, or half deleted."""
        from gristmill.client.stack import open_stack
        from gristmill.client.stack_status import is_settled

        stack = open_stack(self.target, self.stack_name)
        if not is_settled(stack.status):
            note(f"The stack {stack.name} is in {stack.status}; what it shows may be out of date soon.")
        return stack

    def pushed(self) -> "S3Storage | None":
        """Return the bucket with what was pushed; None, and the reason on stderr, where no stack can be asked."""
        from botocore.exceptions import BotoCoreError, ClientError

        from gristmill.client.faults import of_client, of_service

        try:
            return self.stack.store
        except GristmillError as error:
            why = error
        except ClientError as error:
            why = of_service(error)
        except BotoCoreError as error:
            why = of_client(error)
        note(f"Pushed pipelines cannot be seen: {why.what}")
        return None

    @property
    def working_stack(self) -> "Stack":
        """Return the deployed stack, to start something; Unreachable where it could not be relied on."""
        self.stack.require_working()
        return self.stack

    def share_pipelines(self) -> None:
        """Have an embedded AWS that was started here look for pipelines where this command does."""
        from gristmill.client.embedded import share_search_path

        if self.target.data:
            share_search_path(self.target.data)

    def patience(self, meanwhile: str, again: str) -> "Patience":
        """Return what waits out an outage while something is followed, and says so on stderr."""
        from gristmill.client.outage import Patience

        return Patience(self.stack, meanwhile, again, note)

    def run(self, text: str | None, thorough: bool = False) -> "Run":
        """Return the run whose id starts with `text`; the newest one for None."""
        from gristmill.client.runs.find import find_run, newest_run

        return newest_run(self.stack) if text is None else find_run(self.stack, text, thorough)


def note_version(started_by: str) -> None:
    """Say so on stderr where another version of Gristmill has started an embedded AWS."""
    if found := difference(started_by):
        note(found)


def session(context: typer.Context) -> Session:
    """Return the session of a command."""
    found = context.find_root().obj
    if not isinstance(found, Session):
        raise TypeError("the command was called without its group")
    return found
