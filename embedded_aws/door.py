"""The door: what a program needs to start an embedded AWS, find it, speak to it and stop it. All else is inside."""

from email.message import EmailMessage
from pathlib import Path
from typing import Any

from embedded_aws.lifecycle.daemon import become, down, reset, start, up
from embedded_aws.lifecycle.folder import prepare
from embedded_aws.lifecycle.listeners import is_another_users
from embedded_aws.lifecycle.proof import find_server, is_running
from embedded_aws.lifecycle.state import STATE_FILE, ServerState, read_state
from embedded_aws.lifecycle.turns import get_past, lost, turn
from embedded_aws.machine.errors import ANOTHER_FOLDER, RESET, START, EmbeddedAWSError, Unreachable
from embedded_aws.machine.search_path import add as add_to_search_path
from embedded_aws.machine.search_path import folders as folders_of
from embedded_aws.machine.surroundings import KeyPair, astray, embedded_pair, leading_to, unproxied
from embedded_aws.settings.application import Application

__all__ = [
    "ANOTHER_FOLDER",
    "RESET",
    "START",
    "STATE_FILE",
    "Application",
    "EmbeddedAWSError",
    "KeyPair",
    "ServerState",
    "Unreachable",
    "add_to_search_path",
    "astray",
    "become",
    "down",
    "embedded_pair",
    "find_server",
    "folders_of",
    "get_past",
    "is_another_users",
    "is_running",
    "leading_to",
    "lost",
    "parse_template",
    "prepare",
    "read_mails",
    "read_state",
    "reset",
    "start",
    "turn",
    "unproxied",
    "up",
]


def read_mails(data: Path) -> tuple[list[EmailMessage], list[str]]:
    """Return the mails of a data folder, oldest first, and why other files among them are none."""
    from embedded_aws import outbox  # not needed to find a server

    return outbox.read_mails(data)


def parse_template(text: str) -> dict[str, Any]:
    """Return a CloudFormation template, YAML or JSON, with its short forms (`!Ref`) written out."""
    from embedded_aws.services.cloudformation.template import parse  # not needed to find a server

    return parse(text)
