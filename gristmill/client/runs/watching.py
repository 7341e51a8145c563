"""Following a run until it ends."""

from collections.abc import Iterator

from gristmill.client.outage import Patience
from gristmill.client.runs.find import Run, find_run
from gristmill.client.runs.progress import Memory, look
from gristmill.client.runs.snapshot import Look
from gristmill.client.stack import Stack
from gristmill.clock import Clock

_SHORTEST, _LONGEST = 0.3, 10.0  # seconds between looks
_SHARE = 4  # a look that takes long is followed by a wait this many times as long


def follow(stack: Stack, run: Run, patience: Patience, clock: Clock | None = None) -> Iterator[Look]:
    """Yield looks at a run until it has ended, the last one included; a resume that goes on is followed too."""
    memory, clock = Memory(), clock or Clock()
    while True:
        begun = clock.now()
        seen = patience.call(lambda: look(stack, find_run(stack, run.run), memory))
        yield seen
        if not seen.run.going:
            return
        clock.sleep(min(_LONGEST, max(_SHORTEST, _SHARE * (clock.now() - begun))))
