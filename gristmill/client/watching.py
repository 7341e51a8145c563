"""Following a run until it ends."""

import time
from collections.abc import Iterator

from gristmill.client.looks import Look
from gristmill.client.progress import Memory, look
from gristmill.client.runs import Run, find_run
from gristmill.client.stack import Mill

_SHORTEST, _LONGEST = 0.3, 10.0  # seconds between looks
_SHARE = 4  # a look that takes long is followed by a wait this many times as long


def follow(mill: Mill, run: Run) -> Iterator[Look]:
    """Yield looks at a run until it has ended, the last one included; a resume that goes on is followed too."""
    memory = Memory()
    while True:
        begun = time.monotonic()
        run = find_run(mill, run.run)
        seen = look(mill, run, memory)
        yield seen
        if not run.going:
            return
        time.sleep(min(_LONGEST, max(_SHORTEST, _SHARE * (time.monotonic() - begun))))
