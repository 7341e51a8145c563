"""What an embedded AWS is given by the application that is developed on it."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Application:
    """An application: its name, its code, and how it words what its users read. By default there is none."""

    name: str = "embedded-aws"  # of containers' networks and labels, and before what is noted in the logs of jobs
    source: str = ""  # the folder with its code: first on the path of jobs that run Python
    preload: tuple[str, ...] = ()  # modules that most of its jobs import: they are imported once, and jobs forked
    watched: tuple[str, ...] = ()  # its packages: when a file of theirs has changed, modules are imported anew
    search_path: str = ""  # name of a variable that lists folders of its users' code; functions and jobs get it
    sender: str = "AWS Notifications <no-reply@sns.local>"  # of mails
    leave: str = "To leave this list, delete its subscription"  # below each mail; may name the {address}
    take_keys: str = "they lie in its state file"  # how a shell gets the keys of the server that runs now

    def to_json(self) -> str:
        """Return it as one word of a command line."""
        return json.dumps(asdict(self))


def from_json(text: str) -> Application:
    """Return the application of a command line."""
    fields = json.loads(text)
    listed = {name: tuple(fields[name]) for name in ("preload", "watched")}
    return Application(**{**fields, **listed})
