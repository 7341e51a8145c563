"""OME-Zarr 0.5 metadata of a volume (ngff.openmicroscopy.org/0.5): one level, in pixels of the detector."""

from typing import Any

VERSION = "0.5"
LEVEL = "0"


def multiscales(name: str) -> dict[str, Any]:
    """Return the attributes of the group that holds the volume (z, y, x) as array `0`."""
    axes = [{"name": axis, "type": "space"} for axis in "zyx"]
    level = {"path": LEVEL, "coordinateTransformations": [{"type": "scale", "scale": [1.0, 1.0, 1.0]}]}
    return {"ome": {"version": VERSION, "multiscales": [{"name": name, "axes": axes, "datasets": [level]}]}}
