"""Files and folders appear whole or not at all, whoever else makes them; parts of pages."""

import multiprocessing
import time
from contextlib import nullcontext

import numpy as np
import pytest
import soundfile

from reference import clips, runner
from reference.files import alone, read_json, whole
from reference.markdown import fill, table

FORK = multiprocessing.get_context("fork")


def write(path, text: str, barrier) -> None:
    """Process: write a file, and finish only when the other one has written too."""
    with whole(path) as new:
        new.write_text(text)
        barrier.wait(60)


def test_two_processes_may_make_the_same_file(tmp_path):
    path, barrier = tmp_path / "of" / "both", FORK.Barrier(2)
    both = [FORK.Process(target=write, args=(path, text, barrier)) for text in ("one", "two")]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert path.read_text() in ("one", "two") and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("there", [False, True])
def test_an_exception_leaves_what_was_there_and_no_remains(tmp_path, there):
    path = tmp_path / "file.txt"
    if there:
        path.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole(path) as new:
        new.write_text("new")
        raise KeyboardInterrupt
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"] * there


def test_a_folder_is_replaced_whole(tmp_path):
    path = tmp_path / "folder"
    for name in ("first", "second"):
        with whole(path) as new:
            new.mkdir()
            (new / name).touch()
            assert not (path / name).exists()
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")] == [
        "folder", "folder/second"]  # fmt: skip


def test_a_block_that_wrote_nothing_is_told_and_costs_nothing(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(FileNotFoundError), whole(path):
        pass
    assert list(tmp_path.iterdir()) == [path]


def test_others_see_the_old_file_until_the_end(tmp_path):
    path = tmp_path / "file.npy"
    path.write_text("old")
    with whole(path) as new:
        new.write_text("new")
        assert path.read_text() == "old"
        assert new.name == path.name  # numpy and soundfile go by the suffix
        assert list(tmp_path.glob("*.npy")) == [path]  # who lists the folder meets no half file
    assert path.read_text() == "new"


def test_one_part_of_a_page_changes_and_no_other_word():
    page = "a\n<!-- begin one -->\nold\n<!-- end -->\nb\n<!-- begin two -->\n<!-- end -->\n"
    assert fill(page, "one", r"\1" "\n") == page.replace("old", r"\1")
    for text, found in ((page, 0), (2 * page, 2)):
        with pytest.raises(ValueError, match=f"{found} parts named .* found; one is needed"):
            fill(text, "two" if found else "none", "")


def test_cells_of_a_table():
    assert table(["a", "b"], [[1234567, "x|y"], [None, 0.5]]) == (
        "| a | b |\n| --- | --- |\n| 1,234,567 | x\\|y |\n| – | 0.5 |\n")
    assert table(["a"], []) == "nothing yet\n"


def doubled(sounds: list[np.ndarray], model: str) -> list[np.ndarray]:
    """Stands for a model; `tiny` is killed as its first clip is on the way."""
    if model == "tiny":
        raise RuntimeError("killed")
    return [2 * x for x in sounds]


def test_a_killed_run_leaves_no_note_of_the_one_before(tmp_path, monkeypatch):
    """Else what it wrote would pass for what the earlier model said."""
    (tmp_path / "noisy").mkdir()
    soundfile.write(tmp_path / "noisy" / "a.wav", np.full(480, 100, np.int16), 48000, "PCM_16")
    notes = []
    for model in ("small", "tiny"):
        arguments = ["x", "--set", tmp_path, "--out", tmp_path / "out", "--model", model]
        monkeypatch.setattr("sys.argv", [str(x) for x in arguments])
        with pytest.raises(RuntimeError) if model == "tiny" else nullcontext():
            clips.process_set("one", doubled, str)
        notes.append(sorted(runner.read(tmp_path / "out" / "done.json")))
    assert notes == [["a"], []]


def take(folder, order) -> None:
    """Process: hold a folder for a while."""
    with alone(folder):
        order.put("in")
        time.sleep(0.3)
        order.put("out")


def test_two_builds_in_one_folder_wait_for_each_other(tmp_path):
    order = FORK.SimpleQueue()
    both = [FORK.Process(target=take, args=(tmp_path / "host", order)) for _ in range(2)]
    for process in both:
        process.start()
    assert [order.get() for _ in range(4)] == ["in", "out"] * 2


@pytest.mark.parametrize("text, words", [('{"a": 1', "cut off or no JSON"), ("", "cut off"),
                                         ("[1]", "no JSON object"), ('{"b": 1}', "has no a"),
                                         (None, "cannot be read")])  # fmt: skip
def test_json_that_is_none_is_said_in_a_sentence(tmp_path, text, words):
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit, match=f"run.json: .*{words}.*; mend it"):
        read_json(path, "mend it", "a")
    path.write_text('{"a": 1}')
    assert read_json(path, "mend it", "a") == {"a": 1}
