"""Files and folders that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


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
