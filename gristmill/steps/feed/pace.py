"""How long to wait before the next look at a batch. Pure.

A look takes 9 events of the execution's history: Feed 5, the choice 2, the wait 2; each retry of Feed 3 more. As many
looks as fit are shared out: about a thousand over the time that the batch is expected to take, never more in a row than
leave enough of the longest waits for the rest of the 14 days.
"""

WAIT_MAX = 900  # seconds
LOOKS_MAX = 2_400  # by 9 events 21,600 of 25,000
EXECUTION_MAX = 14 * 24 * 3600  # seconds; `TimeoutSeconds` of the state machine
_LOOKS_PLANNED = 1_000
_FIRST = 50  # looks in the time so far, while nothing has ended that tells how long it takes


def next_wait(elapsed: float, looks: int, items: int, ended: int) -> int:
    """Return the seconds to wait, `elapsed` seconds after the first of so many looks at a batch."""
    paced = elapsed * items / ended / _LOOKS_PLANNED if ended else elapsed / _FIRST
    needed = EXECUTION_MAX - elapsed - WAIT_MAX * (LOOKS_MAX - looks - 1)  # so that the longest waits suffice then
    return int(min(WAIT_MAX, max(1.0, paced, needed)))
