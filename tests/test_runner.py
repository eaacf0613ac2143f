"""Every clip once: again only where sources, key or files changed, or where it failed."""

import os
from functools import partial

import pytest

from reference.runner import Clip, every_clip, read


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
