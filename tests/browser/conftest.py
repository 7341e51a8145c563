"""A real Chromium, and the pages of others that it opens: of another origin, another port, a rebound name."""

import functools
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Frame, sync_playwright

from embedded_aws.lifecycle import daemon
from gristmill.client import embedded
from tests.integration.conftest import deployed
from tests.integration.mill import Mill

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
REBOUND = "rebind.example"
_QUIET = ("quic", "background-networking", "component-update", "sync", "gpu")


@pytest.fixture(scope="session")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    data = tmp_path_factory.mktemp("aws")
    state = embedded.up(data, ["--port", "0"])
    try:
        yield deployed(state.endpoint, data)
    finally:
        daemon.down(data)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give a Chromium for which two names that are not this machine's lead to it, as after a rebinding."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here; CHROMIUM names one")
    rules = f"MAP {REBOUND} 127.0.0.1, MAP page.example 127.0.0.1"
    words = [f"--disable-{name}" for name in _QUIET]
    words += ["--no-first-run", f"--host-resolver-rules={rules}"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=words, chromium_sandbox=False)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Serve an empty page; return its port."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "index.html").write_text("<!doctype html><title>a page of somebody else</title><body></body>")
    handler = functools.partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Say nothing."""


@pytest.fixture(params=["another origin", "another port", "a sandboxed frame"])
def page(request: pytest.FixtureRequest, browser: Browser, pages: int) -> Iterator[Frame]:
    """Give a page that is not the embedded AWS's own."""
    context = browser.new_context()
    opened = context.new_page()
    host = "localhost" if request.param == "another port" else "page.example"
    opened.goto(f"http://{host}:{pages}/index.html")
    if request.param == "a sandboxed frame":
        opened.set_content("<iframe sandbox='allow-scripts allow-forms allow-popups' srcdoc='<body></body>'></iframe>")
        opened.wait_for_selector("iframe")
    yield opened.frames[-1]
    context.close()
