"""`gristmill subscribe`, `unsubscribe` and `subscriptions`: who gets mail, and of what."""

from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, listing, note, out

if TYPE_CHECKING:
    from gristmill.client.subscriptions import Subscription

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The email address.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (subscribe, unsubscribe, subscriptions):
        app.command()(command)


def subscribe(
    context: typer.Context,
    email: Email,
    pipeline: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only of this pipeline; may be repeated. Default: all.")
    ] = None,
    on: Annotated[
        str | None, typer.Option(metavar="success|failure", help="Only of runs that end so. Default: all notices.")
    ] = None,
    json: Json = False,
) -> None:
    """Mail EMAIL what happens to runs.

    Given again with other options, it changes what is mailed.
    """
    from gristmill.client.subscriptions import On
    from gristmill.client.subscriptions import subscribe as add

    if on is not None and on not in list(On):
        raise typer.BadParameter(f"{on!r} is neither success nor failure", param_hint="--on")
    made = add(session(context).stack, email, pipeline or [], On(on) if on else None)
    if json:
        emit(made)
        return
    out(f"{email} gets mail of {_of(made)}.")
    if not made.confirmed:
        note("Once the address is confirmed: the link is in the mail that AWS has just sent there.")


def _of(subscription: "Subscription") -> str:
    runs = f"runs of {', '.join(subscription.pipelines)}" if subscription.pipelines else "all runs"
    return f"{runs} that end in {subscription.on}" if subscription.on else runs


def unsubscribe(context: typer.Context, email: Email, json: Json = False) -> None:
    """Mail EMAIL no more."""
    from gristmill.client.subscriptions import unsubscribe as end

    ended = end(session(context).stack, email)
    if json:
        emit(ended)
        return
    out(f"{email} gets no more mail.")


def subscriptions(context: typer.Context, json: Json = False) -> None:
    """List who gets mail."""
    from gristmill.client.subscriptions import subscriptions as list_all

    none = "Nobody gets mail. Add somebody with: gristmill subscribe EMAIL"
    listing(list_all(session(context).stack), json, ("EMAIL", "PIPELINES", "ON", "CONFIRMED"), _row, none=none)


def _row(subscription: "Subscription") -> tuple[str, ...]:
    return (
        subscription.email,
        ", ".join(subscription.pipelines) or "all",
        subscription.on or "all",
        "yes" if subscription.confirmed else "not yet",
    )
