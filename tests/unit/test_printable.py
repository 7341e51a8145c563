"""Text of jobs, files and users is data at every door: it steers no terminal, hides nothing, makes no line of ours."""

import ast
import email
import io
import json
import logging
import sys
import unicodedata
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embedded_aws.server.log_format import Formatter
from embedded_aws.services.sns.mail import is_address, make_mail
from embedded_aws.services.sns.publishing import is_subject
from embedded_aws.settings.application import Application
from gristmill import cli
from gristmill.cli.terminal import show, tables
from gristmill.enums import CheckVerdict, RunStatus
from gristmill.outcome.summary import RunSummary
from gristmill.printable import LINE_MAX, TAIL_LINE_MAX, TAIL_LINES, block, json_text, line, short, tail
from gristmill.report.page import environment
from gristmill.runs.evidence import Failure
from gristmill.runs.findings import BranchFinding, Finding
from gristmill.steps.notify.mail import body, subject
from gristmill.steps.notify.notice import make_notice

HIDDEN = ("Cc", "Cf", "Cn", "Cs", "Zl", "Zp")
UNSEEN = "\u034f\u115f\u1160\u17b4\u180b\u180f\u3164\ufe00\ufe0d\uffa0\U000e0100\U000e01ef"
EVIL = (
    "\x1b[2J\x1b]0;title\x07\x1b]8;;http://evil\x1b\\link\x1b]52;c;YQ==\x07\x9b31m\r\nResults\n  s3://evil\x7f\0"
    "\u202etxt.exe\u2066\u200f\u061c\u2028\u2029\u200b\ufeff\U000e0041\x85\x0b\x0c\udcff\ud800\xad" + UNSEEN
)
texts = st.text(st.one_of(st.characters(), st.sampled_from(EVIL + "\u200d\u200c"), st.sampled_from("a é👩")))
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def encodable(text: str) -> str:
    """Return text without lone surrogates, which no record in S3 can hold."""
    return text.encode(errors="ignore").decode()


def hidden(text: str, allowed: str = "\n\t") -> list[str]:
    """Return the characters that nobody sees, but for joiners between letters that are not ASCII."""
    found = []
    for place, char in enumerate(text):
        beside = [text[place - 1 : place], text[place + 1 : place + 2]]
        joins = char in "\u200c\u200d" and all(each and not each.isascii() for each in beside)
        if (unicodedata.category(char) in HIDDEN or char in UNSEEN) and char not in allowed and not joins:
            found.append(char)
    return found


def printed(do: Callable[[], object]) -> str:
    """Return what is printed, as the bytes of a terminal in UTF-8 would be read."""
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")
    with redirect_stdout(stream), redirect_stderr(stream):
        do()
    stream.flush()
    return stream.buffer.getvalue().decode()


@given(texts)
@example(EVIL)
def test_a_line_is_one_line_without_anything_hidden(text):
    shown = line(text)
    assert hidden(shown, "\t") == []
    assert len(shown.splitlines()) <= 1
    assert line(shown) == shown
    if text.isascii() and text.isprintable():
        assert shown == text


@pytest.mark.parametrize("text", ["Müller 挽き臼 \u00a0x", "👩\u200d🔬 🏳\ufe0f\u200d🌈", "می\u200cخواهم", "a\tb"])
def test_what_people_write_stays_as_it_is(text):
    assert line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\r\nb", r"a\r\nb"),
        ("\u202e", r"\u202e"),
        ("a\u200db", r"a\u200db"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_is_hidden_is_shown_as_an_escape(text, shown):
    assert line(text) == shown


@given(texts)
@example(EVIL)
def test_json_reads_back_alike_and_hides_nothing(text):
    for given_text in (json.dumps({text: [text]}, ensure_ascii=False, indent=2),):
        assert hidden(json_text(given_text), "\n") == []
        assert json.loads(json_text(given_text)) == json.loads(given_text)


def test_long_text_is_cut_with_a_mark():
    shown = short("x" * 1_000_000)
    assert shown.startswith("x" * LINE_MAX + "… (1,000,000 characters")
    assert len(short("\x1b" * 1_000_000)) < LINE_MAX + 50
    assert short("x" * LINE_MAX) == "x" * LINE_MAX


DOORS: dict[str, Callable[[str], object]] = {  # every function of the terminal through which text reaches a terminal
    "note": show.note,
    "out": show.out,
    "problem": lambda text: show.problem(text, text),
    "logged": lambda text: show.logged("12:00:00 branch[0] | ", text, raw=False),
    "styled": lambda text: show.rich(tables.styled(text, (text, "red"))),
    "rich": lambda text: show.rich(tables.table(("A", "B"), [(text, tables.styled((text, "bold")))])),
    "emit_line": show.emit_line,
}
OF_MANY_LINES: dict[str, Callable[[str], object]] = {
    "emit": lambda text: show.emit({text: text}),
    "trace": lambda text: raising(text),
    "confirm": lambda text: asked(text),
}


def raising(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        show.trace()


def asked(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO("y\n"))
        show.confirm(text)


@pytest.mark.parametrize("door", DOORS)
@given(texts)
@example(EVIL)
@example("[bold]x[/bold] :smile: [/]")
def test_a_text_makes_one_line_at_a_door(door, text):
    shown = printed(lambda: DOORS[door](text))
    table_head = 1 if door == "rich" else 0
    assert len(shown.splitlines()) == 1 + table_head
    assert hidden(shown) == []


@pytest.mark.parametrize("door", OF_MANY_LINES)
@given(texts)
@example(EVIL)
def test_no_door_lets_anything_hidden_through(door, text):
    assert hidden(printed(lambda: OF_MANY_LINES[door](text))) == []


def test_every_door_is_tried():
    body = [each for module in (show, tables) for each in ast.parse(Path(module.__file__).read_text()).body]
    ways = {"typer.echo", "typer.confirm", "sys.stdout.write", "Text"}
    made = {each.name for each in body if isinstance(each, ast.FunctionDef) and calls(each) & ways}
    assert made == set(DOORS) | set(OF_MANY_LINES)


FORBIDDEN = {
    *("typer.echo", "typer.secho", "typer.confirm", "typer.prompt", "typer.style", "print", "rich.print"),
    *("sys.stdout.write", "sys.stderr.write", "traceback.print_exc"),
    *("Text", "Text.assemble", "Text.from_markup"),
}


def test_nothing_else_of_the_command_line_prints():
    for file in Path(cli.__file__).parent.rglob("*.py"):
        if file not in (Path(show.__file__), Path(tables.__file__)):
            tree = ast.parse(file.read_text())
            assert calls(tree) & FORBIDDEN == set(), file.name


def calls(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_as_written_a_log_is_printed_only_when_asked_for():
    assert printed(lambda: show.logged("", "\x1b[31mred", raw=True)) == "\x1b[31mred\n"
    assert printed(lambda: show.logged("", "\udcff", raw=True)) == "?\n"


def first_words(mail: str) -> list[str]:
    """Return how the lines of a mail begin, without those that quote a log."""
    return [each.split(" ")[0] for each in mail.split("\n") if not each.startswith("    | ")]


def story_of(text: str) -> RunSummary:
    failure = Failure(
        stage="map", branch="b", task=1, attempt=0, reason=text, detail=f"{text}\n{text}",
        exit_code=1, job_id="j", log_stream="l", at=NOW,
    )  # fmt: skip
    branch = BranchFinding(
        branch="b", tasks=2, done=1, records_in=1, records_out=1, bytes_in=1, bytes_out=1, output=None,
        failures=[failure], missing=1, problem=None,
    )  # fmt: skip
    finding = Finding(
        run="r", stage="map", attempt=0, verdict=CheckVerdict.FAILED, reason=text, branches=[branch], warnings=[text]
    )
    return RunSummary(
        status=RunStatus.FAILED, run="0123456789abcdef", pipeline="strings", name=text, owner=text, input_size=1,
        bucket="mill", started_at=NOW, ended_at=NOW, reason=text, findings=[finding], results=[], unreported=text,
    )  # fmt: skip


@given(texts.map(encodable))
@example(encodable(EVIL))
def test_a_mail_has_no_line_but_its_own_and_goes_whatever_it_tells(text):
    summary, plain = story_of(f"x{text}"), story_of("x")
    assert first_words(body(summary)) == first_words(body(plain))
    assert hidden(body(summary)) == []
    assert is_subject(subject(summary))
    assert all(hidden(value) == [] for value in make_notice(summary).attributes.values())
    mail = make_mail(Application(), "a@mill.example", subject(summary), body(summary), "arn")
    read = email.message_from_bytes(mail.as_bytes(), policy=default)
    assert read.keys() == make_mail(Application(), "a@mill.example", "x", "x", "arn").keys()
    assert body(summary) in read.get_content()


def test_a_reason_of_a_megabyte_leaves_room_for_the_rest_of_a_mail():
    text = body(story_of("ü" * 1_000_000))
    assert "What failed in branch b" in text
    assert text.endswith("gristmill resume 0123456789abcdef\n")


@pytest.mark.parametrize("address", ["a@b\nBcc: c@d", "a b@c", "a@b\x1b", "@b", "a@", "ab", "a@b\u202e"])
def test_an_address_cannot_carry_a_header(address):
    assert not is_address(address)
    assert is_address("müller@example.org")


@given(texts)
@example(EVIL)
def test_a_record_of_the_servers_log_is_one_line(text):
    try:
        raise ValueError(text)
    except ValueError:
        record = logging.LogRecord("gristmill", logging.ERROR, "", 0, "of %s", (text,), sys.exc_info())
    first, *rest = Formatter("%(levelname)s %(message)s").format(record).split("\n")
    assert first.startswith("ERROR of ")
    assert hidden(first) == []
    assert not (text.isascii() and text.isprintable()) or first == f"ERROR of {text}"
    assert all(each.startswith("  | ") for each in rest)
    assert hidden("".join(rest)) == []


@given(texts)
@example(EVIL)
def test_a_page_hides_nothing(text):
    shown = environment().from_string("<p>{{ text }}</p>").render(text=text)
    assert hidden(shown) == []
    assert block(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("text", ["", "one\ntwo", "x" * 1_000_000, "\n".join(["y" * 10_000] * 500), "\x1b" * 9_000])
def test_a_quoted_log_is_bounded_in_all(text: str):
    quoted = tail(text)
    assert len(quoted) <= TAIL_LINES
    assert all(len(tail_line) <= TAIL_LINE_MAX + 40 for tail_line in quoted)
    assert [tail_line[:5] for tail_line in quoted] == [
        line(tail_line)[:5] for tail_line in text.splitlines()[-TAIL_LINES:]
    ]


def test_a_name_of_any_length_leaves_a_table_whole():
    made = tables.table(("FILE",), [["a" + "x" * 1_000 + "z"]])
    (cell,) = made.columns[0].cells
    assert (len(cell.plain), cell.plain[0], cell.plain[-1]) == (199, "a", "z")  # type: ignore[union-attr]
