"""What a zygote imports before it forks, so that a new process need not. Loaded by its path, as `serve.py` is run."""

import contextlib
import gc
import importlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType


def warm_up(role: ModuleType, preload: Sequence[str]) -> None:
    """Import what most processes need, and let botocore read its service models."""
    for name in (*role.HEAVY, *preload):
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # a layer need not have it
        except Exception:  # noqa: BLE001 - a broken file on disk: whoever imports it sees the error
            traceback.print_exc()
    with contextlib.suppress(ImportError):
        _read_models(role.SERVICES)
    gc.collect()
    gc.freeze()


def _read_models(services: tuple[str, ...]) -> None:
    """Make the default session one that knows the models, but has seen neither credentials nor environment."""
    import boto3
    import botocore.session

    for service in services:
        boto3.client(service)
    loader = boto3._get_default_session()._session.get_component("data_loader")
    fresh = botocore.session.get_session()
    fresh.register_component("data_loader", loader)
    boto3.setup_default_session(botocore_session=fresh)


def stamps(packages: Sequence[str]) -> dict[str, list[int]]:
    """Return the files of the loaded modules of some packages, with the times and sizes they have now."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.partition(".")[0] in packages:
            stat = Path(file).stat()
            found[file] = [stat.st_mtime_ns, stat.st_size]
    return found
