"""The options that a server takes, whoever starts it."""

import argparse

from embedded_aws.settings.settings import CALLS_FILE


def options() -> argparse.ArgumentParser:
    """Return a parser of the options alone, to be a parent of others."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--port", type=int, default=4566, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--vcpus", type=float, help="vCPUs that jobs may use; more than there are share them")
    parser.add_argument("--memory", type=int, metavar="MIB", help="memory that jobs may use (default: all there is)")
    parser.add_argument(
        "--gpus", type=int, help="GPUs that jobs may use (default: all, at least 1); those not there are the CPU"
    )
    parser.add_argument(
        "--runnable-seconds", type=float, help="seconds that a job which can never start waits (default: the queue's)"
    )
    parser.add_argument("--containers", action="store_true", help="run the images of jobs by docker or podman")
    parser.add_argument("--container-subnet", default="10.142.0.0/16", help="of their network (default: %(default)s)")
    parser.add_argument("--isolate", action="store_true", help="nodes of multi-node jobs are network namespaces (root)")
    parser.add_argument("--log-calls", action="store_true", help=f"note in DATA/{CALLS_FILE} which role called what")
    parser.add_argument("--smtp", metavar="HOST:PORT", help="mail server that gets a copy of each mail")
    return parser


def given(chosen: argparse.Namespace) -> list[str]:
    """Return the words that say again what was chosen of these options."""
    words = []
    for action in options()._actions:
        value, option = getattr(chosen, action.dest), action.option_strings[0]
        if value is not None and value is not False:
            words += [option] if value is True else [option, str(value)]
    return words
