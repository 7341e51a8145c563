"""The command line: `gristmill`."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from embedded_aws.door import EmbeddedAWSError
from gristmill import __version__
from gristmill.cli.commands import (
    awsb,
    batch,
    cache,
    catalogue,
    compare,
    control,
    deploy,
    hosts,
    job,
    jobs,
    local,
    logs,
    mail,
    new,
    pipelines,
    plan,
    references,
    report,
    results,
    run,
    runs,
    status,
    subscriptions,
    trial,
)
from gristmill.cli.terminal.session import Session, session
from gristmill.cli.terminal.show import out, problem, show_warnings, trace
from gristmill.client.embedded import of_embedded
from gristmill.client.stack import DEFAULT_NAME
from gristmill.client.target import Wanted
from gristmill.errors import ExitCode, GristmillError, plain_fault
from gristmill.printable import block
from process_tree.guarding import guard

_EXIT_CODES = """Exit codes: 0 done; 1 the run failed, or something else did; 2 wrong usage; 3 no such run, pipeline or
object; 4 refused: the file, a parameter or a pipeline.yaml has faults; 5 no stack, no embedded AWS or no credentials,
or a run that goes on could not be seen for too long; 6 the run was stopped; 7 the run
has left tasks out, as its pipeline tolerates; 130 Ctrl-C (a watched run goes on)."""


class _Commands(TyperGroup):
    """A group where an error that a user can mend is one line, and its trace comes with --verbose only."""

    def invoke(self, context: Any) -> Any:
        try:
            return super().invoke(context)
        except (typer.Exit, typer.Abort, KeyboardInterrupt):
            raise
        except TyperException as error:  # wrong usage: its message repeats what was typed, names of files too
            error.message = block(plain_fault(error.message))
            raise
        except BrokenPipeError:  # the reader of our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitCode.OK) from None
        except Exception as error:
            shown = user_error(error)
            if shown is None or session(context).verbose:
                trace()
            if shown is None:
                raise typer.Exit(ExitCode.FAILED) from error
            problem(shown.what, shown.mend)
            raise typer.Exit(shown.exit_code) from error


def user_error(error: Exception) -> GristmillError | None:
    """Return an error as its user sees it; None for a defect of the program."""
    if isinstance(error, GristmillError):
        return error
    if isinstance(error, EmbeddedAWSError):
        return of_embedded(error)
    from botocore.exceptions import ClientError

    from gristmill.client.faults import of_client, of_service
    from gristmill.client.outage import outage_of

    if isinstance(error, ClientError):
        return of_service(error)
    if type(error).__module__.startswith(("botocore", "boto3")) or outage_of(error):
        return of_client(error)
    if isinstance(error, OSError) and error.strerror:
        return GristmillError(f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}.")
    return None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXIT_CODES,
)
_ROOMS = (
    run,
    batch,
    runs,
    status,
    catalogue,
    logs,
    results,
    report,
    control,
    compare,
    plan,
    new,
    trial,
    pipelines,
    references,
    cache,
    subscriptions,
    mail,
)
for room in (*_ROOMS, jobs, job, hosts, awsb, deploy, local):
    room.add_to(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        out(f"gristmill {__version__}")
        raise typer.Exit(ExitCode.OK)


@app.callback()
def root(
    context: typer.Context,
    local: Annotated[bool, typer.Option("--local", help="Act on the embedded AWS, or fail.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="Act on AWS, whatever runs here.")] = False,
    endpoint_url: Annotated[
        str | None, typer.Option("--endpoint-url", metavar="URL", help="Act on the AWS that answers here.")
    ] = None,
    stack: Annotated[
        str, typer.Option("--stack", envvar="GRISTMILL_STACK", metavar="NAME", help="Name of the deployed stack.")
    ] = DEFAULT_NAME,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the trace of an error.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback has acted
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Drop a file; it is split, mapped over AWS Batch, merged, verified, and reported by email.

    Commands act on the embedded AWS if one runs here (or AWS_ENDPOINT_URL leads to one), else on the account and
    region of your AWS credentials. Each says at the top, on stderr, where it acts.
    """
    if aws and (local or endpoint_url):
        raise typer.BadParameter("--aws goes with neither --local nor --endpoint-url")
    show_warnings()
    context.obj = Session(Wanted(local, aws, endpoint_url), stack, verbose)


def call(arguments: Sequence[str]) -> int:
    """Run the command line; return its exit code."""
    try:
        app(args=list(arguments), prog_name="gristmill")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _mend_streams() -> None:
    """Put something in the place of closed streams, and have none fail for a character that it has no place for."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
        elif mode == "w":
            stream.reconfigure(errors="backslashreplace")


def _be_utf8() -> None:
    """Start anew where the locale has names of files read in another encoding: they are UTF-8 everywhere else."""
    if sys.getfilesystemencoding() != "utf-8":
        words = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
        os.execve(sys.executable, words, {**os.environ, "PYTHONUTF8": "1"})  # noqa: S606 - it stays this program


def main() -> None:
    """Run as a program."""
    _be_utf8()
    _mend_streams()
    if "try" in sys.argv[1:]:
        guard()  # a pipeline's code runs in this process, and may start any program
    sys.exit(call(sys.argv[1:]))


if __name__ == "__main__":
    main()
