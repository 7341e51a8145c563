"""The main node: wait for the others, run mpirun, watch, and accept success only by every rank's account."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from gristmill.enums import NodeMessage
from gristmill.humanize import past_time_limit
from gristmill.parallel import together
from gristmill.worker.node.blame import read_blame
from gristmill.worker.node.board import Board
from gristmill.worker.node.failures import RanksLate
from gristmill.worker.node.host import Registration
from gristmill.worker.node.mpirun import Mpirun
from gristmill.worker.node.others import AT_ONCE, Others
from gristmill.worker.node.ranks import Accounts, shortlist
from gristmill.worker.node.setting import NodeSetting
from gristmill.worker.node.verdict import Verdict, judge

_TICK = 0.1  # seconds between polls of mpirun
_LAST_WORDS = 5.0  # seconds for the other nodes to say which ranks were ended at the time limit
_SOON = 0.02  # the same while its agent has commands for nodes to come


class MainNode:
    """One attempt, seen from its main node; `log` writes into the job's log."""

    def __init__(
        self,
        setting: NodeSetting,
        board: Board,
        pause: Callable[[float], None],
        log: Callable[[str], None],
        accounts: Accounts,
    ) -> None:
        self._setting, self._board, self._pause, self._log = setting, board, pause, log
        self._accounts = accounts
        self._others = Others(setting, board, pause)
        self._mpirun: Mpirun | None = None

    def run(self, own: Registration, command: list[str], folder: Path, environment: Mapping[str, str]) -> Verdict:
        """Run the program over all nodes and return the verdict on it; a lost node and a late end are raised."""
        nodes = {self._setting.main: own, **self._others.gather()}
        ranks = sum(node.slots for node in nodes.values())
        self._log(f"all {len(nodes)} nodes are here: {ranks} ranks")
        mpirun = self._mpirun = Mpirun(folder, self._setting.main, nodes)
        mpirun.start(command, environment)
        code = self._follow(mpirun)
        # that the daemons die of a killed mpirun is no other node's loss
        ends = [] if code < 0 else [*self._accounts.read(), *self._others.rank_ends()]
        return judge(code, read_blame(mpirun.report), ranks, ends)

    @property
    def output(self) -> str:
        """Return the end of what the ranks have written, empty where the program was not started."""
        return self._mpirun.output if self._mpirun else ""

    def _follow(self, mpirun: Mpirun) -> int:
        """Pass launch commands on and watch the others until mpirun has ended; return its exit code."""
        poll_at, to_launch = time.monotonic(), len(self._setting.others)
        late_at = poll_at + self._setting.time_limit
        while (code := mpirun.returncode()) is None:
            if time.monotonic() > late_at:
                self._end_late(mpirun)
            if launches := mpirun.launches():
                self._launch(launches)
                to_launch -= len(launches)
            if time.monotonic() >= poll_at:
                self._others.poll()
                poll_at = time.monotonic() + self._setting.timing.watch
            self._pause(_SOON if to_launch > 0 else _TICK)
        return code

    def _end_late(self, mpirun: Mpirun) -> NoReturn:
        """End the program at its time limit; RanksLate names those that had not ended."""
        limit = past_time_limit(self._setting.time_limit)
        running = self._accounts.read()
        mpirun.end()
        late = [end for end in running if end.code is None]
        late += [end for end in self._others.last_rank_ends(_LAST_WORDS) if end.code is None or end.is_asked]
        raise RanksLate(f"{limit}: {shortlist([str(end) for end in late])} had not ended" if late else limit)

    def _launch(self, commands: Mapping[int, str]) -> None:
        """Pass on what each node is to run."""
        together(self._put_launch, commands.items(), AT_ONCE)

    def _put_launch(self, launch: tuple[int, str]) -> None:
        index, command = launch
        self._board.put(self._board.place.of(NodeMessage.LAUNCH, index), {"command": command})
