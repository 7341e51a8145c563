"""State files of an embedded AWS, as they should be and otherwise."""

import json
from pathlib import Path
from typing import Any

from embedded_aws.lifecycle.state import STATE_FILE
from embedded_aws.machine.marker import mark


def fields(folder: Path, **changes: Any) -> dict[str, Any]:
    """Return what a server would note of itself in a folder, but for what is changed."""
    noted = {
        "pid": 4_000_000,
        "started": "123456",
        "nonce": "ab" * 32,
        "port": 45_660,
        "region": "us-east-1",
        "data": str(folder.resolve()),
        "project": "/srv/project",
        "started_by": "gristmill 0.0.1",
        "containers": False,
        "started_at": "2026-01-02T03:04:05+00:00",
        "access_key_id": "AKIA" + "A" * 16,
        "secret_access_key": "c" * 40,
    }
    noted |= changes
    return {"endpoint": f"http://localhost:{noted['port']}", **noted}


def plant(folder: Path, content: Any) -> Path:
    """Put a state file into a folder, as a server's: bytes as they are, anything else as JSON."""
    folder.mkdir(mode=0o700, exist_ok=True)
    mark(folder)
    file = folder / STATE_FILE
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    file.chmod(0o600)
    return file
