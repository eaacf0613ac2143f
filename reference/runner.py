"""Every clip of a set in several processes, resumable: a note says what is done, and of what.

The float reference, the twin, the steps to integers, the studies and systems beside ours run so.
"""

import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from reference.files import read_json, whole
from reference.interrupt import deaf

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
"""What the workers read: each has one thread, or they wait for one another all the time."""


class Clip(NamedTuple):
    """A clip by name, and the files that it is made of."""

    name: str
    sources: tuple[Path, ...]


def alone(clips: list[Clip]) -> list[list[Clip]]:
    """Each clip by itself."""
    return [[clip] for clip in clips]


def every_clip(
    clips: list[Clip], work: Callable[[list[Clip]], list[dict]], note: Path, key: dict, *,
    jobs: int, title: str, group: Callable = alone, begin: tuple = (None, ()),
) -> dict[str, dict]:  # fmt: skip
    """Does what is not done yet; {clip: what `work` told of it}, in the order of `clips`.

    work: a function of a module's top level, or a partial of one: some clips -> a dict a clip, with
    "files", paths that it wrote. What tells "failed" is tried again next time.
    group: what is to be done, list of clips -> lists of clips that go to a process together.
    note: the JSON file of what is done. A clip is done when it stands there under the same `key`,
    its sources are as they were and its files are there. Of who is killed no old note stays.
    begin: function and arguments that each process starts with.
    """
    stamps = {clip.name: key | {"sources": [state(path) for path in clip.sources]}
              for clip in clips}  # fmt: skip
    known = read(note)
    done = {name: known[name] for name, stamp in stamps.items()
            if name in known and is_done(known[name], stamp)}  # fmt: skip
    todo = [clip for clip in clips if clip.name not in done]
    write(note, {name: told for name, told in known.items() if name not in stamps} | done)
    groups = group(todo)
    os.environ |= dict.fromkeys(BLAS_THREADS, "1")
    processes = min(jobs, len(groups)) or 1
    with deaf():
        pool = multiprocessing.get_context("spawn").Pool(processes, *begin)
    with (
        pool,
        tqdm(total=len(todo), desc=title, disable=not todo) as progress,
    ):
        for found in pool.imap_unordered(Named(work), groups):
            done |= {name: stamps[name] | told for name, told in found}
            kept = [name for name, told in found if "failed" not in told]
            write(note, read(note) | {name: done[name] for name in kept})
            progress.update(len(found))
    return {clip.name: done[clip.name] for clip in clips}


class Named(NamedTuple):
    """`work`, whose answers carry the names of their clips."""

    work: Callable[[list[Clip]], list[dict]]

    def __call__(self, clips: list[Clip]) -> list[tuple[str, dict]]:
        return [(clip.name, told) for clip, told in zip(clips, self.work(clips), strict=True)]


def state(path: Path) -> list[int]:
    """Size and time of a source."""
    return [path.stat().st_size, path.stat().st_mtime_ns]


def is_done(told: dict, stamp: dict) -> bool:
    """Whether a note is of this stamp, and what was written is still there."""
    return stamp.items() <= told.items() and all(Path(p).exists() for p in told["files"])


def read(note: Path) -> dict[str, dict]:
    """What a note says; nothing without it, or when it is cut off: all is then done anew."""
    try:
        return read_json(note) if note.exists() else {}
    except SystemExit:
        return {}


def write(note: Path, told: dict[str, dict]) -> None:
    """Writes a note, whole or not at all."""
    with whole(note) as new:
        new.write_text(json.dumps(told, indent=1, sort_keys=True))
