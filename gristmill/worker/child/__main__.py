"""Entry of a container: `python -m gristmill.worker.child`. Exit code 0 only if all its tasks are committed."""

import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from gristmill import keys
from gristmill.aws_clients import make_client
from gristmill.batch.plan import segment_age
from gristmill.code.kept import unpack_code
from gristmill.enums import OutputKind
from gristmill.errors import ExitCode, GristmillError, Superseded
from gristmill.pipeline.parameters import handed
from gristmill.pipeline.tolerance import tolerated
from gristmill.printable import encodable
from gristmill.runs.at_work import check_fingerprint
from gristmill.runs.cursor import nth_attempt
from gristmill.runs.locations import frozen, stage_keys
from gristmill.runs.pinned import read_cut
from gristmill.runs.planned import as_planned
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import read_record
from gristmill.storage import Storage
from gristmill.storage.s3 import S3Storage
from gristmill.task import Task
from gristmill.worker.child.deadline import Terminated, Termination
from gristmill.worker.child.failure import JobFailed, leave_failure
from gristmill.worker.child.in_step import in_step_files
from gristmill.worker.child.inputs import make_feeds
from gristmill.worker.child.job import make_job
from gristmill.worker.child.meter import ContainerTry, leave_footprint
from gristmill.worker.child.outputs import output_rules
from gristmill.worker.child.pairs import make_mates
from gristmill.worker.child.reasons import is_refusal, reason_of
from gristmill.worker.child.runner import Runner
from gristmill.worker.child.setting import ChildSetting, read_setting
from gristmill.worker.child.whole_inputs import stage_whole, whole_of
from gristmill.worker.child.worklist import stretches
from process_tree.descendants import adopt_orphans

_THREADS_SECONDS = 5.0
_SIGTERM_EXIT = 143


def main() -> int:
    """Run one child; return its exit code."""
    adopt_orphans()
    termination = Termination().listen()
    try:
        setting = read_setting(sys.argv[1:], os.environ)
        with TemporaryDirectory(prefix="code-", ignore_cleanup_errors=True) as place:  # a job may have cleared it away
            runner = _begin(setting, S3Storage(setting.bucket, make_client("s3")), Path(place), termination)
            _run(runner, setting)
    except GristmillError as error:
        log_line(str(error))
        return error.exit_code
    except (ClientError, BotoCoreError) as error:
        log_line(reason_of(error))
        return ExitCode.FAILED
    except Terminated:
        log_line("terminated (SIGTERM): finished tasks are committed")
        return _SIGTERM_EXIT
    runner.log(f"end: {runner.tally.done} tasks done, {runner.tally.failed} failed")
    return ExitCode.FAILED if runner.tally.failed else ExitCode.OK


def _run(runner: Runner, setting: ChildSetting) -> None:
    runner.log(f"child {setting.child} of {setting.children} in group {setting.group} of {setting.groups}")
    try:
        runner.run()
    finally:
        which = ContainerTry(setting.keys, setting.cursor.attempt, setting.group, setting.child, setting.job_attempt)
        leave_footprint(runner.store, which, runner.tally, runner.log)


def _begin(setting: ChildSetting, store: Storage, place: Path, termination: Termination) -> Runner:
    """Return the child's runner; where it cannot be made, its first task's failure says why."""
    try:
        return make_runner(setting, store, place, termination)
    except Superseded:
        raise
    except GristmillError as error:
        cut = read_cut(store, stage_keys(read_record(store, setting.cursor.run), setting.cursor.stage))
        for stretch in islice(stretches(store, setting, cut), 1):
            reason = f"no task of its child could begin: {error}"
            failure = JobFailed(reason, exit_code=error.exit_code, refused=is_refusal(error))
            leave_failure(store, setting, stretch.first, failure, store.clock.utc())
        raise


def make_runner(setting: ChildSetting, store: Storage, place: Path, termination: Termination | None = None) -> Runner:
    """Return the runner of a child: code unpacked into `place`, inputs staged there, job loaded and input found."""
    record = read_record(store, setting.cursor.run)
    check_fingerprint(record, setting.keys)
    pipeline = frozen(record)
    stage = pipeline.stage(setting.cursor.stage)
    branch = next(branch for branch in stage.branches if branch.name == setting.branch)
    branch = as_planned(store, setting.keys, setting.cursor.attempt, branch)
    cut = read_cut(store, stage_keys(record, stage.name))
    whole = whole_of(record, stage, branch, cut)
    files = Path(mkdtemp(prefix="inputs-", dir=place)) if whole or cut.mates or stage.in_step else place
    where = f"{record.run} {stage.name}/{branch.name} attempt {nth_attempt(setting.cursor.attempt)}"
    return Runner(
        store=store,
        setting=replace(setting, outputs=tuple(branch.outputs)),
        cut=cut,
        feeds=make_feeds(store, record, stage, cut),
        outputs={name: output_rules(record, stage, made, lambda: cut.tasks) for name, made in branch.by_output.items()},
        apart=branch.output is OutputKind.FILES,
        job=make_job(record, stage, branch, unpack_code(store, record, place)),
        parameters=handed(branch, record.parameters),
        task=_task(setting, record, store, stage_whole(store, whole, files)),
        in_step=in_step_files(record, stage, files),
        mates=make_mates(store, record, stage, cut.mates, files) if cut.mates else None,
        timeout=branch.timeout,
        tolerated=tolerated(branch, cut.tasks),
        segment_age=segment_age(setting.groups * setting.children * len(stage.branches)),
        log=lambda line: log_line(f"{where}: {line}"),
        termination=termination or Termination(),
    )


def _task(setting: ChildSetting, record: RunRecord, store: Storage, whole: Mapping[str, Path]) -> Task:
    cursor, dropped = setting.cursor, record.input
    return Task(
        number=0,
        run=cursor.run,
        stage=cursor.stage,
        branch=setting.branch,
        attempt=cursor.attempt,
        bucket=setting.bucket,
        input_key=dropped.key,
        input_version=dropped.version,
        prefix=keys.own(cursor.run),
        inputs=whole,
        store=store,
    )


def log_line(line: str) -> None:
    """Write a line to the log at once: a follower sees it while the child runs."""
    print(encodable(line), flush=True)  # noqa: T201 - a container's log is its stdout


def leave(code: int) -> NoReturn:
    """End with an exit code; threads that tasks have left get a moment, and do not hold the container."""
    end = time.monotonic() + _THREADS_SECONDS
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                log_line("a thread that a task has started does not end: it is left")
                os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    leave(main())
