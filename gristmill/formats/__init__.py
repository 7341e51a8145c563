"""The record formats, plain and compressed: pure readers of bytes. A format is a file that registers its reader."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
