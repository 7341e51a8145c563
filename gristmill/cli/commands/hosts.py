"""`gristmill queues` and `hosts`: where jobs wait and run."""

from typing import TYPE_CHECKING, Any

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import listing

if TYPE_CHECKING:
    from gristmill.client.jobs.hosts import HostLook, QueueLook

_NUMBERS = ("PRIORITY", "RUNNING", "VCPU", "FREE", "MIB", "FREE MIB", "GPU")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (queues, hosts):
        app.command()(command)


def queues(context: typer.Context, json: Json = False) -> None:
    """List the queues and the jobs in them.

    Each with its compute environments, in order.
    """
    from gristmill.client.jobs.hosts import list_queues

    columns = ("QUEUE", "STATE", "STATUS", "PRIORITY", "ENVIRONMENTS", "JOBS")
    none = "There are no queues in this stack."
    listing(list_queues(session(context).stack), json, columns, _queue, _NUMBERS, none)


def _queue(queue: "QueueLook") -> tuple[Any, ...]:
    jobs = ", ".join(f"{count:,} {status}" for status, count in queue.jobs.items() if count) or "none"
    return queue.name, queue.state, queue.status, str(queue.priority), ", ".join(queue.environments), jobs


def hosts(context: typer.Context, json: Json = False) -> None:
    """List the hosts that jobs run on now.

    On the embedded AWS that is this machine.
    """
    from gristmill.client.jobs.hosts import list_hosts

    columns = ("HOST", "TYPE", "ADDRESS", "STATUS", "RUNNING", "VCPU", "FREE", "MIB", "FREE MIB", "GPU")
    none = "There are no hosts now: Batch starts them when jobs wait."
    listing(list_hosts(session(context).stack), json, columns, _host, _NUMBERS, none)


def _host(host: "HostLook") -> tuple[Any, ...]:
    numbers = (host.running, host.vcpus, host.free_vcpus, host.memory, host.free_memory, host.gpus)
    return host.instance, host.type, host.address, host.status, *(f"{number:g}" for number in numbers)
