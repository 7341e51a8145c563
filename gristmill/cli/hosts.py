"""`gristmill queues` and `hosts`: where jobs wait and run."""

from typing import TYPE_CHECKING, Any

import typer

from gristmill.cli.options import Json
from gristmill.cli.session import session
from gristmill.cli.show import emit, note, rich, table

if TYPE_CHECKING:
    from gristmill.client.hosts import HostLook, QueueLook

_NUMBERS = ("PRIORITY", "RUNNING", "VCPU", "FREE", "MIB", "FREE MIB", "GPU")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (queues, hosts):
        app.command()(command)


def queues(context: typer.Context, json: Json = False) -> None:
    """List the queues, their compute environments in order, and the jobs in them."""
    from gristmill.client.hosts import list_queues

    found = list_queues(session(context).mill)
    if json:
        emit(found)
    else:
        rich(table(("QUEUE", "STATE", "STATUS", "PRIORITY", "ENVIRONMENTS", "JOBS"), map(_queue, found), _NUMBERS))


def _queue(one: "QueueLook") -> tuple[Any, ...]:
    jobs = ", ".join(f"{count:,} {status}" for status, count in one.jobs.items() if count) or "none"
    return one.name, one.state, one.status, str(one.priority), ", ".join(one.environments), jobs


def hosts(context: typer.Context, json: Json = False) -> None:
    """List the hosts that jobs run on now; on the embedded AWS that is this machine."""
    from gristmill.client.hosts import list_hosts

    found = list_hosts(session(context).mill)
    if json:
        emit(found)
    elif not found:
        note("There are no hosts now: Batch starts them when jobs wait.")
    else:
        columns = ("HOST", "TYPE", "ADDRESS", "STATUS", "RUNNING", "VCPU", "FREE", "MIB", "FREE MIB", "GPU")
        rich(table(columns, map(_host, found), _NUMBERS))


def _host(one: "HostLook") -> tuple[Any, ...]:
    numbers = (one.running, one.vcpus, one.free_vcpus, one.memory, one.free_memory, one.gpus)
    return one.instance, one.type, one.address, one.status, *(f"{number:g}" for number in numbers)
