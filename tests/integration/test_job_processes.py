"""Processes of jobs: `python -m` is forked from the zygote and behaves as if it had been executed."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from embedded_aws.processes.zygote.handle import Zygote
from embedded_aws.services.batch.engine.process import Ended, JobProcess
from embedded_aws.services.batch.model.resources import Needs
from embedded_aws.services.batch.starters.processes import ProcessStarter
from embedded_aws.settings.application import Application
from embedded_aws.settings.settings import Settings

ENDINGS = """
import atexit, os, signal, sys, threading, time
atexit.register(print, "at exit")
threading.Thread(target=lambda: (time.sleep(0.05), print("thread"))).start()
print("argv", sys.argv[1:], "name", __name__)
how = sys.argv[1]
if how == "text": sys.exit("said why")
if how == "raise": raise ValueError("broken")
if how == "kill": os.kill(os.getpid(), signal.SIGKILL)
if how == "closed": os.close(1); os.close(2); time.sleep(0.2); os._exit(5)
sys.exit(int(how))
"""

MEMORY = 256  # MiB


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "endings.py").write_text(ENDINGS)
    return folder


@pytest.fixture(scope="module")
def settings(project: Path) -> Settings:
    return Settings(project / "data", application=Application(source=str(project)))


@pytest.fixture(scope="module")
def starter(settings: Settings) -> Iterator[ProcessStarter]:
    starter = ProcessStarter(settings)
    yield starter
    starter.close()


class Job:
    """A job and what it wrote."""

    def __init__(
        self, starter: ProcessStarter, settings: Settings, *command: str, node: int | None = None, **environment: str
    ) -> None:
        self.output = b""
        self.is_writing = threading.Event()
        container = {"command": ["python", *command]}
        job = SimpleNamespace(
            container=container, is_node=node is not None, index=node, id="0123456789", needs=Needs(1, MEMORY)
        )
        self.process = JobProcess(starter, job, {**settings.job_environment(), **environment}, settings.data, "job")

    def run(self, timeout: float | None = 20) -> Ended:
        return self.process.run(timeout, self.write)

    def write(self, data: bytes) -> None:
        self.output += data
        self.is_writing.set()

    @property
    def is_forked(self) -> bool:
        return isinstance(self.process._process.helper._pool, Zygote)


@pytest.mark.parametrize(
    ("how", "code", "given"),
    [
        ("0", 0, ["argv ['0', 'b c'] name __main__", "thread", "at exit"]),
        ("7", 7, ["thread", "at exit"]),
        ("300", 300 & 0xFF, ["at exit"]),
        ("text", 1, ["said why", "at exit"]),
        ("raise", 1, ["ValueError: broken", "at exit"]),
        ("kill", 128 + signal.SIGKILL, ["argv"]),
        ("closed", 5, ["argv"]),
    ],
)
def test_it_ends_as_an_executed_module_does(starter, settings, how, code, given):
    job = Job(starter, settings, "-m", "endings", how, "b c")
    ended = job.run()
    assert (ended.exit_code, ended.timed_out, ended.reason) == (code, False, "")
    assert job.is_forked
    for words in given:
        assert words in job.output.decode()


@pytest.mark.parametrize(
    "words", [("-m", "hungry"), ("-c", "import subprocess, sys; subprocess.run([sys.executable, 'hungry.py'])")]
)
def test_what_holds_more_memory_than_it_asked_for_is_killed_and_told_so(starter, settings, project, words):
    text = f"import time\nheld = bytearray({MEMORY} << 20)\nheld[::4096] = b'x' * len(held[::4096])\ntime.sleep(20)\n"
    (project / "hungry.py").write_text(text)
    words = [word.replace("hungry.py", str(project / "hungry.py")) for word in words]
    ended = Job(starter, settings, *words).run()
    assert (ended.exit_code, ended.reason) == (137, "OutOfMemoryError: Container killed due to memory usage")


def test_each_has_its_own_session_folder_and_environment(starter, settings, project):
    (project / "around.py").write_text(
        "import os, sys\n"
        "print(os.getsid(0) == os.getpid(), os.getcwd(), dict(os.environ), sys.path[0], sys.stdin.read())"
    )
    job = Job(starter, settings, "-m", "around", COLOUR="red")
    assert job.run().exit_code == 0
    text = job.output.decode()
    folder = settings.data / "jobs" / "job"
    assert text.startswith(f"True {folder} ")
    assert text.endswith(f"{folder} \n")
    assert "'COLOUR': 'red'" in text
    assert "OBJC" not in text


def test_changed_code_is_run_from_the_disk(starter, settings, project):
    for word in ("old", "newer"):  # of different size, for Python knows old bytecode by size and second
        (project / "changing.py").write_text(f"print('{word}' * 2)")
        job = Job(starter, settings, "-m", "changing")
        job.run()
        assert job.output.decode() == word * 2 + "\n"


def test_a_zygote_with_old_code_of_the_project_is_replaced(tmp_path):
    core = tmp_path / "batch_jobs" / "child"
    core.mkdir(parents=True)
    (tmp_path / "batch_jobs" / "__init__.py").touch()
    (core / "__init__.py").write_text("WORD = 'old'")
    (core / "__main__.py").write_text("from batch_jobs.child import WORD\nprint(WORD)")
    own = Application(source=str(tmp_path), preload=("batch_jobs.child.__main__",), watched=("batch_jobs",))
    settings = Settings(tmp_path / "data", application=own)
    starter = ProcessStarter(settings)
    try:
        for word in ("old", "newer"):
            (core / "__init__.py").write_text(f"WORD = '{word}'")
            job = Job(starter, settings, "-m", "batch_jobs.child")
            assert job.run().exit_code == 0
            assert job.output.decode() == word + "\n"
            assert job.is_forked
    finally:
        starter.close()


def test_another_setup_of_the_interpreter_or_another_program_is_executed(starter, settings, tmp_path):
    (tmp_path / "elsewhere.py").write_text("print('elsewhere')")
    job = Job(starter, settings, "-m", "elsewhere", PYTHONPATH=str(tmp_path))
    assert job.run().exit_code == 0
    assert (job.output, job.is_forked) == (b"elsewhere\n", False)
    job = Job(starter, settings, "-c", "import sys; sys.exit(3)")
    assert (job.run().exit_code, job.is_forked) == (3, False)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a process a host name of its own")
def test_a_node_is_forked_too_and_has_a_host_name_of_its_own(starter, settings, project):
    (project / "naming.py").write_text("import socket; print(socket.gethostname())")
    forked = Job(starter, settings, "-m", "naming", node=3)
    executed = Job(starter, settings, "naming.py", node=3, PYTHONUNBUFFERED="1")
    assert [job.run().exit_code for job in (forked, executed)] == [0, 2]  # its folder is not the project
    names = forked.output.decode().splitlines()
    assert forked.is_forked
    assert not executed.is_forked
    refused = [line for line in names if line.startswith("no host name of its own")]
    assert names == [*refused, socket.gethostname() if refused else "node-3-01234567"]


def test_what_it_started_ends_with_it(starter, settings, project):
    (project / "parent.py").write_text("import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)")
    job = Job(starter, settings, "-m", "parent")
    assert job.run().exit_code == 0
    end = time.monotonic() + 5
    while is_running(int(job.output)):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("end", ["", "raise ValueError", "os.kill(os.getpid(), signal.SIGKILL)", "time.sleep(60)"])
def test_what_it_leaves_in_its_temporary_folder_goes_with_it(starter, settings, project, end):
    (project / "leaving.py").write_text(
        f"import os, signal, tempfile, time\nprint(tempfile.mkdtemp(), flush=True)\n{end}"
    )
    job = Job(starter, settings, "-m", "leaving")
    job.run(timeout=0.3 if "sleep" in end else 20)
    left = Path(job.output.decode().splitlines()[0])
    assert left.is_relative_to(settings.data / "tmp")
    assert not left.parent.exists()
    assert not list((settings.data / "jobs").glob("[!.]*"))


def test_a_command_that_cannot_be_started_leaves_no_folder(starter, settings):
    job = SimpleNamespace(container={"command": ["no-such-program"]}, is_node=False)
    with pytest.raises(OSError, match="no-such-program"):
        JobProcess(starter, job, settings.job_environment(), settings.data, "none").run(20, lambda _data: None)
    assert not list((settings.data / "tmp").glob("[!.]*"))


def test_stop_asks_and_a_time_limit_ends_it(starter, settings, project):
    (project / "waiting.py").write_text(
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\nprint('up')\ntime.sleep(60)"
    )
    job = Job(starter, settings, "-m", "waiting")
    threading.Thread(target=lambda: (job.is_writing.wait(20), job.process.stop())).start()
    assert job.run() == Ended(9, timed_out=False, reason="")
    assert Job(starter, settings, "-m", "waiting").run(timeout=0.6) == Ended(9, timed_out=True, reason="")


def test_one_that_is_killed_before_it_has_begun_never_works(starter, settings, project):
    (project / "early.py").write_text("import time\ntime.sleep(60)")
    job = Job(starter, settings, "-m", "early")
    job.process.stop(now=True)
    assert job.run() == Ended(128 + signal.SIGKILL, timed_out=False, reason="")


def test_a_dead_zygote_costs_no_job(settings):
    starter = ProcessStarter(settings)
    try:
        os.kill(starter._zygote._process.pid, signal.SIGKILL)
        job = Job(starter, settings, "-m", "endings", "4")
        assert job.run().exit_code == 4
    finally:
        starter.close()


def is_running(pid: int) -> bool:
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
