"""What a trial lacks of the surroundings of a branch's jobs: secrets, and a container."""

from collections.abc import Callable, Iterable, Mapping

from gristmill.pipeline.branch import Branch


def lacking_secrets(branches: Iterable[Branch], environment: Mapping[str, str]) -> list[str]:
    """Return which secrets of branches are not in the environment, where a trial takes them from."""
    return [
        f"branch {branch.name} needs the secret {name}: a trial takes it from the environment, so export {name} first"
        for branch in branches
        for name in branch.secrets
        if name not in environment
    ]


def tell_containers(branches: Iterable[Branch], hear: Callable[[str], None]) -> None:
    """Tell which branches are tried here, and not in the container that they name."""
    for branch in branches:
        if branch.container:
            hear(f"Branch {branch.name}: tried with this machine's own programs, not in its container.")
