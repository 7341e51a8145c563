"""The program `gristmill`, which says what to install where its extra `cli` is missing."""

import sys

_MEND = "error: the command line is not installed here. Run: pip install 'gristmill[cli,local]'"


def main() -> None:
    """Run as a program."""
    try:
        from gristmill.cli.main import main as run
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        sys.exit(_MEND)
    run()
