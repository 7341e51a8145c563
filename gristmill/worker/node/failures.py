"""The failures of a multi-node job; each has its exit code."""

from gristmill.errors import ExitCode, GristmillError


class NodeMissing(GristmillError):
    """Raised on the main node when a node did not come in time, or came and cannot take part."""

    exit_code = ExitCode.NODE_MISSING


class MainNodeLost(GristmillError):
    """Raised on another node when the main node sends no heartbeat."""

    exit_code = ExitCode.MAIN_LOST


class StoreUnreachable(GristmillError):
    """Raised on a node that could not reach the store for as long as a lost node is waited for."""

    exit_code = ExitCode.CUT_OFF


class NodeLost(GristmillError):
    """Raised on the main node when another one is lost, or does not confirm a good end."""

    exit_code = ExitCode.NODE_LOST


class RanksLate(GristmillError):
    """Raised on the main node when the program has run past its time limit, and was ended."""

    exit_code = ExitCode.STOPPED


class NodeTerminated(GristmillError):
    """Raised on a node that gets SIGTERM."""

    exit_code = ExitCode.TERMINATED
