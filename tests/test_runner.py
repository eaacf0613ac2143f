"""Every clip once: again only where sources, key or files changed, or where it failed."""

import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from reference.runner import Clip, every_clip, read

ROOT = Path(__file__).parents[1]


def copies(clips: list[Clip], out, fails: str = "") -> list[dict]:
    """Writes each clip's source to OUT/NAME, and its name to OUT/log; `fails` is the bad one."""
    told = []
    for clip in clips:
        with open(out / "log", "a") as log:
            log.write(f"{clip.name}\n")
        if clip.name == "killer":
            raise RuntimeError("killed")
        if clip.name == fails:
            told.append({"failed": "bad", "files": []})
            continue
        (out / clip.name).write_bytes(clip.sources[0].read_bytes())
        told.append({"size": clip.sources[0].stat().st_size, "files": [str(out / clip.name)]})
    return told


@pytest.fixture
def place(tmp_path):
    for name, text in {"a": "1", "b": "22", "c": "333", "killer": "x"}.items():
        (tmp_path / f"{name}.wav").write_text(text)
    (tmp_path / "out").mkdir()
    return tmp_path


def run(place, names="abc", key=1, **options) -> tuple[dict, list[str]]:
    """What `every_clip` says, and which clips were worked on."""
    (place / "out" / "log").write_text("")
    clips = [Clip(name, (place / f"{name}.wav",)) for name in names]
    found = every_clip(clips, partial(copies, out=place / "out", **options),
                       place / "note.json", {"key": key}, jobs=1, title="")  # fmt: skip
    return found, (place / "out" / "log").read_text().split()


def test_what_is_done_is_not_done_again(place):
    found, worked = run(place)
    assert worked == ["a", "b", "c"] and [told["size"] for told in found.values()] == [1, 2, 3]
    again, worked = run(place)
    assert not worked and again == found
    assert run(place, key=2)[1] == ["a", "b", "c"]
    (place / "b.wav").write_text("4444")
    (place / "out" / "c").unlink()
    found, worked = run(place, key=2)
    assert worked == ["b", "c"] and found["b"]["size"] == 4
    os.utime(place / "a.wav", (1, 1))
    assert run(place, key=2)[1] == ["a"]


def test_other_clips_of_the_note_stay(place):
    run(place, "ab")
    assert run(place, "c")[1] == ["c"] and run(place)[1] == []


def test_what_failed_is_told_and_tried_again(place):
    found, worked = run(place, fails="b")
    assert worked == ["a", "b", "c"] and found["b"]["failed"] == "bad"
    assert sorted(read(place / "note.json")) == ["a", "c"]
    assert run(place)[1] == ["b"]


def test_a_killed_run_goes_on_where_it_was(place):
    with pytest.raises(RuntimeError, match="killed"):
        run(place, ["a", "killer", "b"])
    assert sorted(read(place / "note.json")) == ["a"]
    (place / "killer.wav").unlink()
    assert run(place, ["a", "b"])[1] == ["b"]


def test_a_note_that_is_cut_off_is_made_anew(place):
    run(place)
    (place / "note.json").write_text('{"a": {')
    assert run(place)[1] == ["a", "b", "c"] and run(place)[1] == []


SLOW = """
import sys, time
from pathlib import Path
from reference.runner import Clip, every_clip
def work(clips):
    Path(sys.argv[1], f"begun-{clips[0].name}").touch()
    time.sleep(60)
if __name__ == "__main__":
    here = Path(sys.argv[1])
    clips = [Clip(name, (here / "a.wav",)) for name in "ab"]
    every_clip(clips, work, here / "slow.json", {}, jobs=2, title="")
"""


def test_ctrl_c_ends_parent_and_workers_with_one_line(place):
    (place / "slow.py").write_text(SLOW)
    process = subprocess.Popen([sys.executable, str(place / "slow.py"), str(place)],
                               stderr=subprocess.PIPE, text=True, start_new_session=True,
                               env=os.environ | {"PYTHONPATH": str(ROOT)})  # fmt: skip
    while not list(place.glob("begun-*")) and process.poll() is None:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    lines = [line for line in re.split(r"[\r\n]+", said) if line and "it/s" not in line
             and "?it" not in line]  # fmt: skip
    assert lines == ["stopped by Ctrl-C; what was finished is kept"]


@pytest.mark.parametrize("room", ["eval", "studies", "training", "targets", "pages", "reference"])
def test_ctrl_c_is_one_line_from_the_first_import_on(room):
    done = subprocess.run([sys.executable, "-c", f"import {room}; raise KeyboardInterrupt"],
                          cwd=ROOT, check=False, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == -signal.SIGINT
    assert done.stderr.strip() == "stopped by Ctrl-C; what was finished is kept"
