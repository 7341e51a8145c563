"""`gristmill awsb-config`: lead the classic awsb commands (awsbstat, awsbsub, ...) to this stack's queue."""

from configparser import ConfigParser
from pathlib import Path
from typing import Annotated, Any

import typer

from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import lines, out
from gristmill.errors import Refused

_DEFAULT = Path("~/.parallelcluster/awsbatch-cli.cfg")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("awsb-config")(awsb_config)


def awsb_config(
    context: typer.Context,
    file: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it; - prints it.")
    ] = _DEFAULT,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write the configuration of the awsb commands.

    Those of the package aws-parallelcluster-awsbatch-cli then act on the CPU queue: awsbsub, awsbstat, awsbout,
    awsbqueues, awsbkill, awsbhosts.
    """
    from gristmill.client.jobs.awsb import configuration

    text = configuration(session(context).stack)
    if str(file) == "-":
        lines(_ini(text))
        return
    path = file.expanduser()
    if path.exists() and not force:
        raise Refused([f"{path} is there already"], "Write over it with --force, or elsewhere with --output.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_ini(text), encoding="utf-8")
    out(f"Wrote {path}. Its commands need AWS_ENDPOINT_URL to reach an embedded AWS: gristmill local env")


def _ini(sections: dict[str, dict[str, str]]) -> str:
    from io import StringIO

    made: Any = ConfigParser(interpolation=None)
    made.read_dict(sections)
    text = StringIO()
    made.write(text)
    return text.getvalue().rstrip("\n") + "\n"
