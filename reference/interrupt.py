"""Ctrl-C ends a command line with one sentence, not with where it happened to be.

Importing this says so for the process; every room does it in its __init__, before what is slow to
import. The process still ends by SIGINT, so that make and shells see what it was.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from threading import current_thread, main_thread


def report(kind: type[BaseException], error: BaseException, trace: object) -> None:
    """What is printed of an exception that nobody caught: of Ctrl-C one line, in workers none."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    elif parent_process() is None:
        print("\nstopped by Ctrl-C; what was finished is kept", file=sys.stderr)


@contextmanager
def deaf() -> Iterator[None]:
    """Processes that begin in this block do not hear Ctrl-C: who began them ends them."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


sys.excepthook = report
