"""Prints, as JSON, every place of moto and waitress that `embedded_aws` replaces; run in a process of its own."""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any


def places() -> Iterator[str]:
    for module in [item for name, item in sys.modules.items() if name.split(".")[0] == "moto" and item]:
        for name, value in list(vars(module).items()):
            if is_ours(value):
                yield f"{module.__name__}:{name}"
            elif isinstance(value, type) and value.__module__ == module.__name__:
                yield from (f"{module.__name__}:{value.__name__}.{key}" for key in owned(value))


def owned(kind: type) -> Iterator[str]:
    yield from (key for key, value in vars(kind).items() if is_ours(value))


def is_ours(value: Any) -> bool:
    """Tell whether something in moto was written by us; the rooms of Batch have tests of their own."""
    if isinstance(value, property):
        value = value.fget
    if isinstance(value, staticmethod):
        value = value.__func__
    if isinstance(value, ModuleType):
        return False
    home = getattr(value, "__module__", None) or ""
    return home.startswith("embedded_aws") and not home.startswith("embedded_aws.services.batch")


def main() -> None:
    from embedded_aws.server.app import close_app, create_app
    from embedded_aws.settings.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        create_app(Settings(data=Path(folder)))
        json.dump(sorted(places()), sys.stdout)
        close_app()


if __name__ == "__main__":
    main()
