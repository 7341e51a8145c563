"""`gristmill mail`: what the embedded AWS has mailed."""

from email.message import EmailMessage
from typing import Annotated

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, lines, note, out, rich
from gristmill.cli.terminal.tables import table
from gristmill.errors import NotFound, Refused

_HEADERS = ("From", "To", "Date", "Subject")
group = typer.Typer(invoke_without_command=True, help="Mails of the embedded AWS. Default: list them.")


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="mail")


@group.callback()
def mail(context: typer.Context) -> None:
    """Mails of the embedded AWS. Without a command: list them."""
    if context.invoked_subcommand is None:
        list_mails(context)


@group.command("list")
def list_mails(context: typer.Context, json: Json = False) -> None:
    """List the mails, oldest first."""
    mails = _mails(context)
    if json:
        emit([_as_json(number, mail) for number, mail in enumerate(mails, 1)])
    elif not mails:
        note("The outbox is empty.")
    else:
        rows = [(str(number), mail["Date"], mail["To"], mail["Subject"]) for number, mail in enumerate(mails, 1)]
        rich(table(("NUMBER", "DATE", "TO", "SUBJECT"), rows, right=("NUMBER",)))


@group.command("show")
def show_mail(
    context: typer.Context,
    which: Annotated[
        str | None,
        typer.Argument(metavar="NUMBER|RUN", help="Number from the list, or a run id. Default: the newest mail."),
    ] = None,
    json: Json = False,
) -> None:
    """Show a mail."""
    numbered = list(enumerate(_mails(context), 1))
    found = [(number, mail) for number, mail in numbered if which is None or _is(which, number, mail)]
    if not found:
        raise NotFound(f"there is no mail {which}." if which else "the outbox is empty.", "See: gristmill mail")
    number, mail = found[-1]
    if json:
        emit(_as_json(number, mail))
        return
    for name in _HEADERS:
        out(f"{name}: {mail[name]}")
    out()
    lines(mail.get_content())


def _is(which: str, number: int, mail: EmailMessage) -> bool:
    return which == str(number) or (
        len(which) >= 4 and any(word.startswith(which) for word in mail.get_content().split())
    )


def _as_json(number: int, mail: EmailMessage) -> dict[str, object]:
    headers = {name.lower(): str(mail[name]) for name in _HEADERS}
    return {"number": number, **headers, "body": mail.get_content()}


def _mails(context: typer.Context) -> list[EmailMessage]:
    from embedded_aws.door import read_mails

    target = session(context).target
    if target.data is None:
        raise Refused(
            [f"mails of {target.describe()} are not here."],
            "Only those of an embedded AWS started here lie in an outbox.",
        )
    mails, faults = read_mails(target.data)
    for fault in faults:
        note(f"{fault}.")
    return mails
