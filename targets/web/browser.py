"""The browser that the system has, and a server for its pages."""

import contextlib
import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def chromium() -> str | None:
    """Path of Chromium or Chrome; None where there is neither."""
    return shutil.which("chromium") or shutil.which("google-chrome")


class Quiet(SimpleHTTPRequestHandler):
    """Static files without a line a request."""

    def log_message(self, *_) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Address of a server of the folder's files, on this machine alone."""
    handler = functools.partial(Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()
