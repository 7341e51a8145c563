"""`python -m embedded_aws`: an embedded AWS by itself."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded_aws.door import (
    START,
    EmbeddedAWSError,
    Unreachable,
    become,
    down,
    find_server,
    get_past,
    leading_to,
    prepare,
    reset,
    turn,
)
from embedded_aws.machine.surroundings import KeyPair, unproxied
from embedded_aws.server.options import given, options

_DATA = Path(".embedded-aws")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m embedded_aws", description="An AWS in one process, on localhost.")
    commands = parser.add_subparsers(dest="command", required=True)
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument("--data", type=Path, default=_DATA, help="folder of the server (default: %(default)s)")
    commands.add_parser("up", parents=[data, options()], help="serve in the foreground; Ctrl-C stops it")
    commands.add_parser("env", parents=[data], help="print the environment of clients, for a shell's eval")
    commands.add_parser("down", parents=[data], help="stop the server of a folder")
    commands.add_parser("reset", parents=[data], help="stop it, and remove all that it has left there")
    return parser


def _up(data: Path, arguments: Sequence[str]) -> None:
    prepare(data)
    with turn(data) as lock:
        get_past(data)
        running = find_server(data)
        if running is None:
            become(data, arguments, lock)
    print(f"One runs already at {running.endpoint} (pid {running.pid}).")  # noqa: T201 - a command's answer


def _env(data: Path) -> None:
    state = find_server(data)
    if state is None:
        raise Unreachable(f"no embedded AWS runs in {data}.", f"Start one: {START}")
    pair = KeyPair(state.access_key_id, state.secret_access_key)
    for name, value in {**leading_to(state.endpoint, state.region, pair), **unproxied(environment=os.environ)}.items():
        print(f"export {name}={shlex.quote(value)}")  # noqa: T201 - a command's answer


def main(words: Sequence[str]) -> int:
    """Run a command; return its exit code."""
    chosen = _parser().parse_args(words)
    try:
        if chosen.command == "up":
            _up(chosen.data, given(chosen))
        elif chosen.command == "env":
            _env(chosen.data)
        elif chosen.command == "reset":
            print(f"Removed {len(reset(chosen.data)[1])} files and folders.")  # noqa: T201 - a command's answer
        else:
            print(f"The embedded AWS at {down(chosen.data).endpoint} is down.")  # noqa: T201 - a command's answer
    except EmbeddedAWSError as error:
        print(f"{error.what} {error.mend}".strip(), file=sys.stderr)  # noqa: T201 - a command's answer
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
