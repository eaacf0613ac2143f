"""Files and folders that appear whole or not at all, one process at a time, JSON that is read."""

import fcntl
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

AGAIN = "remove it and run again what wrote it"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path of the same name to write to; what is there becomes `path` when the block ends well.

    It lies in a hidden folder of this call alone, beside `path`: several processes may make the
    same file at once, and the last one stays. When the block raises, nothing is left and `path` is
    as it was; only a killed process leaves its hidden folder. Parents are made. A file is replaced
    at one stroke; a folder that `path` names already goes first.

    Raises FileNotFoundError when the block wrote nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as room:
        new = Path(room) / path.name
        yield new
        if new.is_dir() and path.is_dir():
            path.rename(f"{new}.old")
        new.replace(path)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds a folder, which is made, against every other process that asks for it; waits for it.

    A process that dies lets go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{folder}: another process builds here; waiting for it", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_json(path: Path, remedy: str = AGAIN, *keys: str) -> dict:
    """The object that a JSON file holds, with all `keys`; SystemExit with `remedy` if it does not.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SystemExit(f"error: {path}: cannot be read ({error.strerror}); {remedy}") from error
    except ValueError as error:
        raise SystemExit(f"error: {path}: is cut off or no JSON ({error}); {remedy}") from error
    if not isinstance(found, dict):
        raise SystemExit(f"error: {path}: holds no JSON object; {remedy}")
    if missing := [key for key in keys if key not in found]:
        raise SystemExit(f"error: {path}: has no {', '.join(missing)}; {remedy}")
    return found
