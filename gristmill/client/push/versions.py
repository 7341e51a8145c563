"""Versions of a pipeline at a stack: push one, name one, fetch its files, move what runs take, delete one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gristmill.client.pipelines import pipeline_folders
from gristmill.client.push.definitions import are_current, push_definitions
from gristmill.client.push.folder import is_built_in, names_folder, read_code
from gristmill.client.push.libraries import Hear, push_libraries
from gristmill.client.stack import Stack
from gristmill.client.user import user_name
from gristmill.clock import REAL
from gristmill.code import push
from gristmill.code.digest import CodeFile, read_folder
from gristmill.code.pushed import BUILT_IN, Pusher, Version, find_digest, read_version
from gristmill.code.pushed import read_code as read_pushed
from gristmill.errors import NotFound, Refused
from gristmill.limits import PUSH_MESSAGE_MAX
from gristmill.pipeline.loading import find, names


@dataclass(frozen=True)
class Pushed:
    """What a push came to: the version that has the code; whether it is new; and the one that runs took before."""

    version: Version
    is_new: bool
    before: int | None


def push_folder(stack: Stack, folder: Path, message: str, hear: Hear, *, replace_built_in: bool) -> Pushed:
    """Push a folder, and have runs take it; Refused where somebody else moved them meanwhile."""
    if len(message) > PUSH_MESSAGE_MAX:
        raise Refused([f"the message has {len(message):,} characters, and {PUSH_MESSAGE_MAX} are allowed"])
    code = read_code(folder.resolve())
    if is_built_in(code.pipeline) and not replace_built_in:
        raise Refused(
            [f"{code.pipeline} is a pipeline of the stack itself; nothing was pushed"],
            "Call yours otherwise; or give --replace-built-in, and runs of it take your code.",
        )
    pointer = push.look(stack.store, code.pipeline)
    if pointer.current and pointer.current.digest == code.digest and pointer.number:
        taken = read_version(stack.store, code.pipeline, pointer.number)
        if are_current(stack, code, taken):
            return Pushed(taken, False, pointer.number)
    version = push.keep(stack.store, code, who(stack), message, _beside(stack, code, hear))
    push.move(stack.store, code.pipeline, pointer, version, version.pusher)
    return Pushed(version, True, pointer.number)


def push_for_one_run(stack: Stack, code: push.Code, hear: Hear) -> Version:
    """Return the version that has this code, pushed unless it is there; what other runs take stays as it is."""
    found = find_digest(stack.store, code.pipeline, code.digest)
    if found and are_current(stack, code, found):
        return found
    return push.keep(stack.store, code, who(stack), "", _beside(stack, code, hear))


def _beside(stack: Stack, code: push.Code, hear: Hear) -> push.Beside:
    return push.Beside(push_libraries(stack, code, hear), push_definitions(stack, code, hear))


def use(stack: Stack, pipeline: str, text: str, *, replace_built_in: bool) -> None:
    """Have runs take a version that was pushed before, or the built-in one again."""
    pointer = push.look(stack.store, pipeline)
    version = None if text == BUILT_IN else live_version(stack, pipeline, text)
    if version is None and pipeline not in names(pipeline_folders()):
        raise Refused([f"the stack itself has no pipeline {pipeline}"], f"gristmill pipelines versions {pipeline}")
    if version and pointer.number is None and is_built_in(pipeline) and not replace_built_in:
        raise Refused(
            [f"{pipeline} is a pipeline of the stack itself"], "Give --replace-built-in to have runs take yours."
        )
    push.move(stack.store, pipeline, pointer, version, who(stack))


def live_version(stack: Stack, pipeline: str, text: str) -> Version:
    """Return a version by its number, if it is not deleted."""
    version = read_version(stack.store, pipeline, _number(pipeline, text))
    if version.deleted:
        raise NotFound(f"version {version.number} of {pipeline} was deleted by {version.deleted.name}.")
    return version


def files_of(stack: Stack, pipeline: str, text: str) -> Sequence[CodeFile]:
    """Return the files of a version by its number, of the built-in one, or of a folder that the text names."""
    if names_folder(text):
        return read_folder(Path(text).resolve())
    if text == BUILT_IN:
        return read_folder(find(pipeline, pipeline_folders()).parent.resolve())
    return read_pushed(stack.store, live_version(stack, pipeline, text))


def who(stack: Stack) -> Pusher:
    """Return who does it now, as the log of pushes has it."""
    identity = stack.client("sts").get_caller_identity()["Arn"]
    return Pusher(name=user_name(), identity=identity, at=REAL.utc())


def _number(pipeline: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**6):
        raise Refused([f"{text!r} is no version of {pipeline}"], f"See: gristmill pipelines versions {pipeline}")
    return int(text)
