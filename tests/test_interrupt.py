"""Nothing that was computed is lost: signals, full disks, sources and readers that go away; and
names of outputs that lead somewhere else.
"""

import fcntl
import json
import os
import resource
import signal
import stat
import subprocess
import termios
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from command_line import ENCODED, FLOAT, PCM16, PCM24, accepted, chunks, noise, refused, wav

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU]


def samples(path: Path) -> np.ndarray:
    """(N, 1) int16 of a file that stands the strictest reader."""
    assert chunks(path)
    return np.round(soundfile.read(path, always_2d=True)[0] * 32768).astype(int)


class Live:
    """The command on a pipe that stays open, fed by hand."""

    def __init__(self, command: list, folder: Path, **options) -> None:
        options = {"cwd": folder, "stderr": subprocess.PIPE} | options
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, **options)
        self.pipe = self.process.stdin

    def feed(self, data: bytes) -> None:
        """Returns when the command has taken it all and waits for more, or has ended."""
        self.pipe.write(data)
        self.pipe.flush()
        state = Path(f"/proc/{self.process.pid}/stat")
        for _ in range(2000):
            waiting = fcntl.ioctl(self.pipe, termios.FIONREAD, bytes(4))
            asleep = state.read_text().rpartition(")")[2].split()[0] in "SZ"
            if not any(waiting) and asleep:
                return
            time.sleep(0.005)
        raise AssertionError("the command does not read")

    def limit(self, size: int) -> None:
        """No file may grow beyond `size` bytes, a full disk; -1: there is room again."""
        hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def end(self) -> tuple[int, str]:
        """Exit status and standard error; the pipe is left as it is."""
        status = self.process.wait(20)
        message = self.process.stderr.read().decode() if self.process.stderr else ""
        return status, message


@pytest.fixture
def live(run, tmp_path):
    """live(*arguments, **options of Popen) -> Live."""
    started = []

    def start(*arguments, **options) -> Live:
        started.append(Live([run.command, *arguments], tmp_path, **options))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        one.pipe.close()


# ---- signals ----


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("kind", [PCM16, PCM24, FLOAT])
def test_a_live_recording_is_finished(live, tmp_path, number, kind):
    """Stopped inside a sample, while its source waits: every whole sample is there."""
    pcm = noise(4999)
    one = live("-", "rec.wav", "--vad", "rec.csv")
    one.feed(wav(ENCODED[kind](pcm)[:-1], kind, size=0xFFFFFFFF))
    one.process.send_signal(number)
    status, message = one.end()
    assert status == 128 + number
    assert message.count("\n") == 1 and f"stopped by signal {number:d} " in message
    assert "rec.wav holds the first 0.10 s" in message
    assert np.array_equal(samples(tmp_path / "rec.wav"), pcm[:-1])
    assert len((tmp_path / "rec.csv").read_text().splitlines()) == 1 + 11
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rec.csv", "rec.wav"]


def test_a_recording_that_is_killed_can_be_read(live, tmp_path):
    """Its header tells no size yet; it is a plain one, for nobody knows that it will not do."""
    pcm = noise(48000)
    one = live("-", "rec.wav")
    one.feed(wav(pcm.tobytes(), size=0xFFFFFFFF))
    one.process.kill()
    one.process.wait()
    assert (tmp_path / "rec.wav").read_bytes()[:4] == b"RIFF"
    found = soundfile.read(tmp_path / "rec.wav", dtype="int16", always_2d=True)[0]
    assert len(found) > 40000 and np.array_equal(found, pcm[: len(found)])


def test_a_signal_is_never_missed(live, tmp_path):
    """Wherever it comes, also between two reads: the source gives nothing more, and it ends."""
    hop = noise(480).tobytes()
    for n in range(40):
        one = live("-", f"{n}.wav", stderr=subprocess.DEVNULL)
        one.pipe.write(wav(hop * 50, size=0))
        one.pipe.flush()
        time.sleep(n / 10000)
        one.process.send_signal(signal.SIGTERM)
        assert one.end()[0] in (-signal.SIGTERM, 128 + signal.SIGTERM)
        if (tmp_path / f"{n}.wav").exists():
            chunks(tmp_path / f"{n}.wav")


@pytest.mark.parametrize("resampled", [False, True])
def test_a_long_file_that_is_stopped(run, tmp_path, resampled):
    """Its header declared more; the output is as long as what was done, and says so."""
    pcm = noise(48000 * 200)
    (tmp_path / "in.wav").write_bytes(wav(pcm.tobytes(), rate=47999 if resampled else 48000))
    command = [run.command, "--resample", "--json", "in.wav", "out.wav"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:  # fmt: skip
        while not (tmp_path / "out.wav").exists() or (tmp_path / "out.wav").stat().st_size < 9999:
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        summary = json.loads(process.communicate(timeout=20)[0])
    found = samples(tmp_path / "out.wav")
    assert process.returncode == 130 and summary["complete"] is False
    assert 4000 < len(found) == summary["samples"] < len(pcm)
    if not resampled:
        assert np.array_equal(found, pcm[: len(found)])


def test_an_older_output_and_files_not_begun(live, tmp_path):
    """With -o the file in work is finished, those after it are not touched."""
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "a.wav")
    (tmp_path / "b.wav").write_bytes(wav(noise(10).tobytes()))
    one = live("-o", "out", "a.wav", "b.wav")
    with (tmp_path / "a.wav").open("wb") as pipe:
        pipe.write(wav(noise(480).tobytes(), size=0))
        pipe.flush()
        time.sleep(0.3)
        one.process.send_signal(signal.SIGTERM)
        status, message = one.end()
    assert status == 143 and "1 of 2 files were not begun, from b.wav on" in message
    assert np.array_equal(samples(tmp_path / "out/a.wav"), noise(480))
    assert not (tmp_path / "out/b.wav").exists()


def test_nohup_stays(live, tmp_path):
    one = live("-", "rec.wav", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    one.feed(wav(noise(480).tobytes(), size=0))
    one.process.send_signal(signal.SIGHUP)
    one.feed(noise(480).tobytes())
    one.pipe.close()
    assert one.end() == (0, "")
    assert len(samples(tmp_path / "rec.wav")) == 960


def test_a_signal_before_any_sound(live, tmp_path):
    one = live("-", "rec.wav")
    one.feed(b"RIFF")
    one.process.send_signal(signal.SIGINT)
    assert one.end()[0] == 130 and not (tmp_path / "rec.wav").exists()


def test_killed_without_a_word(live, tmp_path):
    """SIGKILL, power: what came is in the file, under its name, as a recording not finished."""
    one = live("-", "rec.wav")
    one.feed(wav(noise(4800).tobytes(), size=0))
    one.process.kill()
    one.process.wait()
    again = live("rec.wav", "again.wav")
    assert again.end()[0] == 0
    # the last 30 ms are in the state that was lost
    assert np.array_equal(samples(tmp_path / "again.wav"), noise(4800)[:-1440])


# ---- full disks, readers that go away ----


@pytest.mark.parametrize("kind", [PCM16, PCM24, FLOAT])
@pytest.mark.parametrize("size", [0, 20, 44, 100, 1000, 4097, 12345])
def test_a_full_disk(run, tmp_path, kind, size):
    """A limit on file sizes, with the signal that comes with it: a whole file of what fitted."""
    pcm = noise(20000)
    (tmp_path / "in.wav").write_bytes(wav(ENCODED[kind](pcm), kind))
    done = subprocess.run(
        ["prlimit", f"--fsize={size}", run.command, "in.wav", "out.wav"], check=False,
        capture_output=True, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 2 and b"out.wav: cannot be written: File too large" in done.stderr
    assert done.stderr.count(b"\n") == 1
    if size >= 44:
        width, found = kind[1] // 8, samples(tmp_path / "out.wav")
        fits = (size - 44) // width
        fits -= fits * width % 2  # there is no room for the padding either
        assert np.array_equal(found, pcm[:fits])
    assert {p.name for p in tmp_path.iterdir()} <= {"in.wav", "out.wav"}


@pytest.mark.parametrize("option", [None, "--vad", "--taps"])
@pytest.mark.parametrize("begin", [1, 3, 10])
def test_a_disk_that_was_full_for_a_moment(live, tmp_path, option, begin):
    """A write that failed is never forgotten, though all after it would succeed."""
    hop = noise(480).tobytes()
    sound = "/dev/null" if option else "out.wav"
    one = live("-", sound, *([option, "other"] if option else []))
    one.feed(wav(hop * begin * 4, size=0))
    one.limit((tmp_path / ("other" if option else sound)).stat().st_size)
    one.feed(hop * 4)
    one.limit(-1)
    if one.process.poll() is None:
        one.feed(hop * 4)
        one.pipe.close()
    status, message = one.end()
    assert status == 2 and "cannot be written: File too large" in message
    if not option:
        assert len(samples(tmp_path / "out.wav")) == 480 * (begin * 4 - 3)


@pytest.mark.parametrize(
    "arguments",
    [["--json", "in.wav", "out.wav"], ["-V"], ["-h"], ["--footprint"], ["in.wav", "-"],
     ["in.wav", "/dev/full"], ["--vad", "/dev/full", "in.wav", "out.wav"],
     ["--taps", "/dev/full", "in.wav", "out.wav"], ["--vad", "-", "in.wav", "out.wav"]],
    ids=" ".join,
)  # fmt: skip
def test_a_full_device(run, tmp_path, arguments):
    (tmp_path / "in.wav").write_bytes(wav(noise(5000).tobytes()))
    with open("/dev/full", "wb") as full:
        done = subprocess.run([run.command, *arguments], check=False, cwd=tmp_path, stdout=full,
                              stderr=subprocess.PIPE)  # fmt: skip
    assert done.returncode == 2 and b"cannot be written: No space left" in done.stderr
    if "out.wav" in arguments:
        assert np.array_equal(samples(tmp_path / "out.wav"), noise(5000))


def test_a_reader_that_goes_away(run, tmp_path):
    """No SIGPIPE: the other outputs are whole, and nothing else is left."""
    (tmp_path / "in.wav").write_bytes(wav(noise(480000).tobytes()))
    script = f'("{run.command}" --vad v.csv in.wav -; echo $? > status) | head -c 100 > head'
    subprocess.run(["sh", "-c", script], check=True, cwd=tmp_path, stderr=subprocess.DEVNULL)
    assert (tmp_path / "status").read_text() == "2\n"
    lines = (tmp_path / "v.csv").read_text()
    assert lines.endswith("\n") and all(len(x.split(",")) == 2 for x in lines.splitlines())
    assert {p.name for p in tmp_path.iterdir()} == {"in.wav", "v.csv", "status", "head"}


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed(run, tmp_path, closed):
    """No word of ours gets into the next file that is opened."""
    data = np.full(500, 2.0, "<f4").tobytes()  # there will be a warning
    (tmp_path / "in.wav").write_bytes(wav(data, FLOAT))
    script = f'"{run.command}" --json in.wav out.wav {closed}; echo $? > status'
    subprocess.run(["sh", "-c", script], check=True, cwd=tmp_path, capture_output=True)
    assert (samples(tmp_path / "out.wav") == 32767).all()
    assert (tmp_path / "status").read_text() == ("0\n" if closed == "2>&-" else "2\n")


def test_standard_input_that_is_closed_is_not_an_empty_file(run, tmp_path):
    script = f'"{run.command}" - out.wav <&-'
    done = subprocess.run(["sh", "-c", script], check=False, cwd=tmp_path, capture_output=True)
    refused(done, tmp_path / "out.wav", "standard input: cannot be read: Bad file descriptor")


def test_what_a_full_disk_holds_is_said(run, tmp_path):
    """Samples behind the header of 44 bytes; of none that fits, none."""
    (tmp_path / "in.wav").write_bytes(wav(noise(24000).tobytes()))
    for size, seconds in ((44 + 2 * 4800, "0.10"), (20, "0.00")):
        limit = lambda size=size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))  # noqa: E731
        done = subprocess.run([run.command, "in.wav", "out.wav"], check=False, cwd=tmp_path,
                              capture_output=True, text=True, preexec_fn=limit)  # fmt: skip
        assert done.returncode == 2 and f"it holds the first {seconds} s of in.wav" in done.stderr


# ---- where names lead ----


@pytest.fixture
def source(tmp_path):
    data = wav(noise(3000).tobytes())
    (tmp_path / "in.wav").write_bytes(data)
    return data


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_permissions_stay(run, tmp_path, source, mode):
    (tmp_path / "out.wav").write_bytes(bytes(99999))
    (tmp_path / "out.wav").chmod(mode)
    accepted(*run(None), source)
    assert stat.S_IMODE((tmp_path / "out.wav").stat().st_mode) == mode


@pytest.mark.parametrize("there", [False, True])
def test_links_keep_pointing(run, tmp_path, source, there):
    (tmp_path / "far").mkdir()
    if there:
        (tmp_path / "far/target.wav").write_bytes(bytes(99999))
        os.link(tmp_path / "far/target.wav", tmp_path / "hard.wav")
    (tmp_path / "out.wav").symlink_to("far/target.wav")
    accepted(*run(None), source)
    assert (tmp_path / "out.wav").is_symlink()
    assert (tmp_path / "far/target.wav").read_bytes() == source
    assert not there or (tmp_path / "hard.wav").read_bytes() == source


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("way", ["> out.wav", ">> out.wav", "| cat > out.wav"])
def test_names_of_standard_output(run, tmp_path, source, name, way):
    """Also behind what a file already holds; the JSON goes elsewhere."""
    script = f'(printf "before"; "{run.command}" -D --json in.wav {name}) {way}'
    done = subprocess.run(["sh", "-c", script], check=True, cwd=tmp_path, capture_output=True)
    assert (tmp_path / "out.wav").read_bytes() == b"before" + source
    assert json.loads(done.stderr)["output"] == "standard output"
    assert os.path.lexists(name)


def test_a_pipe_by_name(run, tmp_path, source):
    os.mkfifo(tmp_path / "out.wav")
    with subprocess.Popen(["cat", "out.wav"], cwd=tmp_path, stdout=subprocess.PIPE) as reader:
        done, _ = run(None)
        assert done.returncode == 0 and reader.stdout.read() == source
    assert stat.S_ISFIFO((tmp_path / "out.wav").stat().st_mode)


@pytest.mark.parametrize("option", ["--vad", "--taps"])
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    "names", [("a", "./a"), ("a", "hard"), ("soft", "a"), ("-", "/dev/stdout")]
)
def test_one_file_by_two_names(run, tmp_path, source, option, there, names):
    """Refused before anything is touched, or made."""
    if there or "hard" in names:
        (tmp_path / "a").write_bytes(b"older")
    if "hard" in names:
        os.link(tmp_path / "a", tmp_path / "hard")
    (tmp_path / "soft").symlink_to("a")
    before = {p.name: p.exists() and p.read_bytes() for p in tmp_path.iterdir()}
    command = [run.command, option, names[0], "in.wav", names[1]]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True)
    assert done.returncode == 2 and b"the same file as" in done.stderr and not done.stdout
    assert {p.name: p.exists() and p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("option", ["--vad", "--taps"])
def test_no_output_is_the_input(run, tmp_path, source, option):
    for name in ("in.wav", "./in.wav"):
        done, out = run(None, option, str(tmp_path / name))
        assert done.returncode == 2 and b"would overwrite the input" in done.stderr
        assert not out.exists() and (tmp_path / "in.wav").read_bytes() == source


def test_standard_input_is_not_overwritten(run, tmp_path, source):
    done = subprocess.run(["sh", "-c", f'"{run.command}" - - < in.wav 1<> in.wav'], check=False,
                          cwd=tmp_path, capture_output=True)  # fmt: skip
    assert done.returncode == 2 and b"would overwrite the input" in done.stderr
    assert (tmp_path / "in.wav").read_bytes() == source


def test_everything_may_go_to_one_device(run, tmp_path, source):
    done, _ = run(None, "--vad", "/dev/null", "--taps", "/dev/null", out="/dev/null")
    assert done.returncode == 0, done.stderr
