"""WAV files as people have them: headers that lie, other encodings and kinds, chunks beside the
samples, and files that are too large for a test to fill.
"""

import shlex
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from command_line import ENCODED, PCM16, PCM24, accepted, chunks, noise, refused, wav

from targets.target import HARNESS, ROOT

LIST = (
    b"LIST"
    + struct.pack("<I", 30)
    + b"INFOICMT"
    + struct.pack("<I", 18)
    + b"a comment, no noise"[:18]
)
STREAMS = [0x7FFFF000, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFF9B, 0xFFFFFFFF]
"""Sizes that writers declare who cannot know them."""
KINDS = [*ENCODED]


def with_riff(data: bytes, size: int) -> bytes:
    """The same file with another size of the whole in its header."""
    return data[:4] + struct.pack("<I", size) + data[8:]


def rf64(data: bytes, samples: int, name: bytes = b"RF64", size: int = 0xFFFFFFFF) -> bytes:
    """A WAV file as RF64 that declares so many bytes of samples; `size` stands in "data" itself."""
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, len(data) + 28, samples, 0, 0)
    fmt, sound = data[12:36], data[44:]
    head = name + b"\xff\xff\xff\xff" + b"WAVE" + ds64 + fmt
    return head + b"data" + struct.pack("<I", size) + sound


def samples_of(path) -> np.ndarray:
    """(N, channels) as libsndfile reads them, in units of int16; floats need not be whole."""
    return soundfile.read(path, always_2d=True)[0] * 32768


def taken(done, out, pcm: np.ndarray, *words: str) -> None:
    """Exit 0, these samples, and a warning with these words; no words: nothing is said."""
    message = done.stderr.decode()
    assert done.returncode == 0, message
    assert message.count("\n") == bool(words), message
    assert "warning" in message or not words
    assert all(word in message for word in words), message
    chunks(out)
    assert np.array_equal(samples_of(out), pcm)


def coded(kind: tuple[int, int], count: int) -> tuple[np.ndarray, bytes]:
    """(count, 1) int16 that the encoding holds, and their bytes."""
    pcm = noise(count) & (~255 if kind == (1, 8) else ~0)
    return pcm, ENCODED[kind](pcm)


# ---- sizes that are not true ----


@pytest.mark.parametrize("riff", [None, 0xFFFFFFFF])
@pytest.mark.parametrize("kind", KINDS)
def test_no_samples_and_then_a_chunk(run, tmp_path, kind, riff):
    """By name and by pipe: metadata is no sound."""
    data = wav(b"", kind) + LIST
    data = with_riff(data, len(data) - 8 if riff is None else riff)
    taken(*run(data), noise(0))
    if riff is None:
        out = tmp_path / "out.wav"
        done = subprocess.run([run.command, "-", str(out)], input=data, capture_output=True,
                              check=False)  # fmt: skip
        taken(done, out, noise(0))


@pytest.mark.parametrize("size", STREAMS)
def test_headers_of_streams_kept_in_files(run, size):
    pcm, data = coded(PCM16, 3000)
    taken(*run(wav(data, size=size)), pcm, "does not say how many", "cannot be told apart")


def test_a_stream_ends_with_its_file(run):
    """What stands behind the samples cannot be told apart when nobody knows where they end."""
    pcm, data = coded(PCM16, 3000)
    tail = np.frombuffer(LIST, "<i2")[:, np.newaxis]
    words = "cannot be told apart"
    taken(*run(wav(data + LIST, size=0xFFFFFFFF)), np.concatenate([pcm, tail]), words)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("riff", [0, 36])
def test_a_recording_that_was_not_finished(run, kind, riff):
    """Both sizes as they were when it began; power lost inside a sample."""
    pcm, data = coded(kind, 3000)
    unfinished = with_riff(wav(data + b"\x01" * (kind[1] // 8 > 1), kind, size=0), riff)
    taken(*run(unfinished), pcm, "does not say how many")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [1, 16, 480, 5999])
def test_a_file_that_was_cut(run, kind, missing):
    """As ffmpeg and sox take it: what is there, and a warning."""
    pcm, data = coded(kind, 6000)
    left = (len(data) - missing) // (kind[1] // 8)
    words = (f"declares {len(data)} bytes", f"{len(data) - missing} found")
    taken(*run(wav(data, kind)[:-missing]), pcm[:left], *words)


@pytest.mark.parametrize("missing", [1, 2, 481])
def test_a_pipe_that_was_cut(run, tmp_path, missing):
    pcm, data = coded(PCM16, 3000)
    out, left = tmp_path / "out.wav", 3000 - (missing + 1) // 2
    done = subprocess.run([run.command, "-", str(out)], input=wav(data)[:-missing],
                          check=False, capture_output=True)  # fmt: skip
    taken(done, out, pcm[:left], "declares 3000 samples", f"{left} found")


@pytest.mark.parametrize("kind", [PCM16, PCM24])
def test_a_stream_that_ends_inside_a_sample(run, tmp_path, kind):
    pcm, data = coded(kind, 3001)
    out = tmp_path / "out.wav"
    done = subprocess.run([run.command, "-", str(out)], input=wav(data, kind, size=0)[:-1],
                          check=False, capture_output=True)  # fmt: skip
    taken(done, out, pcm[:3000], "ends inside sample 3000")


def test_a_size_that_counts_its_padding(run):
    pcm, data = coded(PCM24, 3001)
    taken(*run(wav(data + b"\0", PCM24)), pcm)


@pytest.mark.parametrize("extra", [1, 2])
def test_a_tail_inside_a_sample(run, extra):
    pcm, data = coded(PCM24, 3000)
    taken(*run(wav(data + bytes(extra), PCM24)), pcm, "ends inside sample 3000")


@pytest.mark.parametrize("declared", ["in ds64", "in data", "nowhere", "too much"])
@pytest.mark.parametrize("name", [b"RF64", b"BW64"])
def test_rf64(run, name, declared):
    pcm, data = coded(PCM16, 3000)
    size = {"in ds64": 6000, "in data": 0, "nowhere": 0, "too much": 6002}[declared]
    file = rf64(wav(data), size, name, 6000 if declared == "in data" else 0xFFFFFFFF)
    words = {"nowhere": ["does not say"], "too much": ["declares 6002 bytes"]}
    taken(*run(file), pcm, *words.get(declared, []))


def test_rf64_in_a_pipe(run):
    """A size of the samples that 32 bits hold is one; 0 is none."""
    pcm, data = coded(PCM16, 3000)
    for size, found in ((6000, wav(data)), (0, None)):
        done = subprocess.run([run.command, "-D", "-", "-"], input=rf64(wav(data), size),
                              capture_output=True, check=True)  # fmt: skip
        assert done.stdout == found or (size == 0 and done.stdout[44:] == data)


@pytest.mark.parametrize("size", [16, 17, 18, 19, 40])
def test_a_format_with_more_to_it(run, size):
    """Odd chunks are padded, "fmt " as well."""
    pcm, data = coded(PCM16, 700)
    plain = wav(data)
    fmt = plain[20:36] + bytes(size - 16 + size % 2)
    file = plain[:16] + struct.pack("<I", size) + fmt + plain[36:]
    taken(*run(with_riff(file, len(file) - 8)), pcm)


# ---- other kinds ----

OTHERS = {
    b"RIFX\0\0\0\0WAVE": "big-endian WAV (RIFX)",
    b"ID3\3\0\0\0\0\0\0RIFF": "an ID3 tag",
    b"fLaC\0\0\0\x22": "FLAC",
    b"OggS\0\2": "Ogg",
    b"FORM\0\0\0\0AIFFCOMM": "AIFF",
    b"FORM\0\0\0\0AIFCFVER": "AIFF-C",
    b"riff\x2e\x91\xcf\x11\xa5\xd6": "Wave64",
    b"caff\0\1\0\0desc": "CAF",
    b".snd\0\0\0\x18": "AU",
    b"NIST_1A\n   1024": "NIST SPHERE",
    b"\xff\xfb\x90\x64": "MP3",
    b"\0\0\0\x20ftypM4A ": "MP4 or M4A",
    b"\x1a\x45\xdf\xa3": "Matroska or WebM",
}


@pytest.mark.parametrize("head", OTHERS, ids=OTHERS.values())
def test_other_kinds_are_named_with_the_way_out(run, head):
    refused(*run(head + bytes(100)), f"{OTHERS[head]}", "found; WAV", "ffmpeg -i IN OUT.wav")


@pytest.mark.parametrize(
    ("tag", "name"),
    [(2, "Microsoft ADPCM"), (6, "A-law"), (7, "u-law"), (0x11, "IMA ADPCM"), (0x55, "MP3")],
)
@pytest.mark.parametrize("extensible", [False, True])
def test_other_encodings_are_named_with_the_way_out(run, tag, name, extensible):
    data = wav(bytes(80), (tag, 8), rate=8000, extensible=extensible)
    refused(*run(data), f"{name} in WAV found", "ffmpeg -i IN OUT.wav")


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ((1, 64), "64-bit PCM"),
        ((3, 16), "16-bit float"),
        ((1, 0), "0-bit"),
        ((0x99, 8), "encoding 0x0099"),
    ],
)
def test_encodings_that_nobody_has(run, kind, found):
    refused(
        *run(wav(bytes(80), kind)), found, "WAV of integers of 8 to 32 bits or floats is needed"
    )


DECODER = shlex.join([sys.executable, f"{ROOT}/targets/python/percepnet/_decode.py"]) + ' "$1"'
"""That of the Python package."""
READ_ALONE = {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"}
"""soundfile's names of what the command reads in WAV without a decoder."""
PEOPLE_HAVE = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "FLAC", "OGG", "MP3")
EVERY = [
    (container, subtype, endian)
    for container in PEOPLE_HAVE
    for subtype in soundfile.available_subtypes(container)
    for endian in ("FILE", "BIG")
    if (endian == "FILE" or container == "WAV")
    and soundfile.check_format(container, subtype, endian)
]
"""Those with BIG are RIFX."""


@pytest.mark.parametrize(("container", "subtype", "endian"), EVERY)
def test_everything_that_soundfile_reads(run, tmp_path, container, subtype, endian):
    """With the decoder the samples are soundfile's; without, they are too or the kind is named."""
    source, rate = tmp_path / "in.wav", 8000 if subtype == "GSM610" else 48000
    tone = 0.25 * np.sin(np.arange(4800)[:, np.newaxis] / 30)
    try:
        soundfile.write(source, tone, rate, subtype, endian, container)
        expected = soundfile.read(source, always_2d=True)[0]
    except soundfile.LibsndfileError as error:
        pytest.skip(f"soundfile does not write it, or does not read what it wrote: {error}")
    done, out = run(None, "--resample", "--decoder", DECODER)
    assert done.returncode == 0, done.stderr
    found = soundfile.read(out, always_2d=True)[0]
    assert len(found) == len(expected)
    if rate == 48000:
        assert np.abs(found - expected).max() <= 2**-16 + 2**-24
    out.unlink()
    done, out = run(None, "--resample")
    alone = container in ("WAV", "WAVEX", "RF64") and subtype in READ_ALONE and endian == "FILE"
    if alone:
        assert done.returncode == 0 and np.array_equal(
            soundfile.read(out, always_2d=True)[0], found
        )
    else:
        assert done.returncode == 2 and b"WAV of integers" in done.stderr
    assert not alone or not done.stderr


def test_a_decoder_gets_the_name_and_nothing_else(run, tmp_path):
    """No name runs as a command; in a folder the outputs are named as what they are."""
    folder = tmp_path / "clean"
    folder.mkdir()
    name = "a $(touch pwned);touch 'pwned\".flac"
    soundfile.write(tmp_path / name, noise(4800), 48000, "PCM_16", format="FLAC")
    subprocess.run(
        [run.command, "--decoder", DECODER, "-o", "clean", name], check=True, cwd=tmp_path
    )
    assert np.array_equal(
        soundfile.read(folder / f"{name[:-5]}.wav", dtype="int16")[0], noise(4800)[:, 0]
    )
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize(
    ("decoder", "words"),
    [("exit 3", "gave no sound and exited with 3"), ("kill -9 $$", "exited with 137"),
     ('cat "$1"', "FLAC found"), ("echo nothing", "something else than WAV")],
)  # fmt: skip
def test_decoders_that_fail(run, decoder, words):
    refused(*run(b"fLaC" + bytes(99), "--decoder", decoder), words)


def test_a_decoder_whose_sound_is_not_wanted_ends_silently(run):
    """By the signal that a program gets whose reader has gone."""
    refused(*run(b"fLaC" + bytes(99), "--decoder", "yes no sound"), "something else than WAV found")


def test_a_decoder_that_has_said_why(run):
    done, out = run(b"fLaC" + bytes(99), "--decoder", DECODER)
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1 and not out.exists()
    assert b"in.wav: cannot be read" in done.stderr


def test_a_decoder_that_stops_half_way(run, tmp_path):
    pcm, data = coded(PCM16, 3000)
    (tmp_path / "half").write_bytes(wav(data, size=0xFFFFFFFF))
    done, out = run(b"fLaC", "--decoder", f"cat {tmp_path}/half; exit 1")
    assert done.returncode == 2 and b"the decoder failed; " in done.stderr
    assert np.array_equal(samples_of(out), pcm)


# ---- chunks beside the samples ----


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


@pytest.mark.parametrize("count", [1000, 1001])
@pytest.mark.parametrize("kind", [PCM16, PCM24])
def test_other_chunks_are_kept(run, kind, count):
    """Time code, cues, loops, names, in front and behind; not what sums up the old samples."""
    _, data = coded(kind, count)
    plain = wav(data, kind)
    padding = bytes(len(data) % 2)
    front = chunk(b"bext", bytes(range(256)) * 3) + chunk(b"iXML", b"<odd/>!")
    behind = chunk(b"cue ", bytes(28)) + chunk(b"smpl", bytes(36)) + LIST
    stale = chunk(b"PEAK", bytes(16)) + chunk(b"JUNK", bytes(27)) + chunk(b"fact", bytes(4))

    def file(before: bytes, after: bytes) -> bytes:
        whole = plain[:36] + before + plain[36:] + padding + after
        return with_riff(whole, len(whole) - 8)

    done, out = run(file(stale + front, behind + stale))
    accepted(done, out, file(front, behind))
    assert not done.stderr
    names = b"fmt ", b"bext", b"iXML", b"data", b"cue ", b"smpl", b"LIST"
    assert tuple(name for name, _ in chunks(out)) == names


@pytest.mark.parametrize(
    "tail", [LIST[:-1], bytes(4096), b"no chunk", b"LIST\xff\xff\xff\xff", wav(b"ab")[12:]]
)
def test_what_is_no_chunk_is_left_out(run, tail):
    """Cut, a sector of zeros, a text, sound that stands a second time."""
    data = wav(noise(700).tobytes())
    accepted(*run(data + tail), data)


def test_a_chunk_beyond_all_measure_is_left_out(run):
    pcm, data = coded(PCM16, 700)
    plain = wav(data)
    taken(*run(plain[:12] + chunk(b"junk", bytes(1 << 24)) + plain[12:]), pcm)
    words = ('a "JPEG" chunk of 16777216 bytes is left out',)
    taken(*run(plain[:12] + chunk(b"JPEG", bytes(1 << 24)) + plain[12:]), pcm, *words)


# ---- sizes ----


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 479, 480, 1001])
def test_what_is_written_is_read_by_libsndfile(run, kind, channels, count):
    pcm = noise(count, channels) & (~255 if kind == (1, 8) else ~0)
    for size in (None, 0xFFFFFFFF):
        data = wav(ENCODED[kind](pcm), kind, channels, size=size)
        done, out = run(data)
        taken(done, out, pcm, *["does not say"] * bool(size and count))


GIANT = r"""
/* giant IN OUT GAP [unknown]: the first 1000 samples, a hole of GAP, the rest. */
#define _FILE_OFFSET_BITS 64
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <unistd.h>
#include "wav_write.h"
static void copy(wav_in *in, wav_out *out)
{
    int16_t pcm[4000];
    wav_write(out, pcm, wav_read(in, pcm, 1000));
}
int main(int argc, char **argv)
{
    static wav_in in;
    static wav_out out;
    uint64_t gap = strtoull(argv[3], NULL, 10), block;
    if (!wav_open(&in, argv[1], NULL) || !output_open(&out.to, argv[2]))
        return 1;
    block = in.format.bytes * in.format.channels;
    if (argc == 5)
        in.length = WAV_UNKNOWN;
    wav_begin(&out, &in);
    copy(&in, &out);
    fseeko(in.file, (off_t)(gap * block), SEEK_CUR);
    in.done += gap;
    lseek(out.to.file, (off_t)(gap * block), SEEK_CUR);
    out.to.written += gap * block;
    copy(&in, &out);
    wav_finish(&out, &in);
    return !output_close(&out.to);
}
"""


@pytest.fixture(scope="module")
def giant(tmp_path_factory):
    """giant(kind, channels, samples, tail, unknown) -> input and output, both sparse."""
    folder = tmp_path_factory.mktemp("giant")
    (folder / "giant.c").write_text(GIANT)
    names = "wav_read wav_write wav_chunks wav_format decoder output message stop".split()
    sources = [HARNESS / f"{name}.c" for name in names]
    checks = ["-Wall", "-Werror", "-fsanitize=undefined", "-fno-sanitize-recover"]
    command = ["gcc", "-std=c99", *checks, "-iquote", HARNESS, "giant.c", *sources, "-lm",
               "-o", "giant"]  # fmt: skip
    subprocess.run(command, check=True, cwd=folder)

    def call(kind, channels: int, samples: int, tail: bytes, unknown: bool):
        block = channels * kind[1] // 8
        ends = [ENCODED[kind](noise(n, channels)) for n in (1000, 999)]
        fields = (kind[0], channels, 48000, 48000 * block, block, kind[1])
        head = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<IQQQI", 28, 0, samples * block, 0, 0)
        head += b"fmt " + struct.pack("<IHHIIHH", 16, *fields) + b"data\xff\xff\xff\xff"
        source, out = folder / "in.wav", folder / "out.wav"
        with source.open("wb") as file:
            file.write(head + ends[0])
            file.seek(len(head) + samples * block - len(ends[1]))
            file.write(ends[1] + (b"" if unknown else bytes(samples * block % 2) + tail))
        out.unlink(missing_ok=True)
        arguments = [str(samples - 1999), *["unknown"] * unknown]
        subprocess.run(["./giant", source.name, out.name, *arguments], check=True, cwd=folder)
        return source, out

    return call


def parsed(path) -> tuple[bytes, int, dict[bytes, tuple[int, int]]]:
    """Of a file of any size: its first four bytes, the size of the whole that it declares, and
    place and size of every chunk, the last of which must end with the file.
    """
    with path.open("rb") as file:
        name, whole, _ = struct.unpack("<4sI4s", file.read(12))
        found, at, end = {}, 12, path.stat().st_size
        while at < end:
            file.seek(at)
            chunk_name, size = struct.unpack("<4sI", file.read(8))
            if chunk_name == b"ds64":
                whole, samples = struct.unpack("<QQ", file.read(16))
            if chunk_name == b"data" and size == 0xFFFFFFFF:
                size = samples
            found[chunk_name] = (at + 8, size)
            at += 8 + size + size % 2
        assert at == end
    return name, whole, found


LIMIT = 2**32 - 1
"""The largest size that RIFF can say."""


@pytest.mark.parametrize(("tail", "unknown"), [(b"", True), (b"", False), (LIST, False)])
@pytest.mark.parametrize(
    ("kind", "channels"), [((1, 8), 1), (PCM16, 1), (PCM24, 1), (PCM24, 2), ((3, 64), 1)]
)
def test_sizes_round_4_gb(giant, kind, channels, tail, unknown):
    """RIFF as long as its sizes fit, RF64 from there on; libsndfile finds the same samples."""
    block = channels * kind[1] // 8
    seen = set()
    for bytes_ in (2**31, 0xF0000000, LIMIT - 200, LIMIT - 100, LIMIT, LIMIT + 100):
        for samples in range(bytes_ // block - 1, bytes_ // block + 2):
            source, out = giant(kind, channels, samples, tail, unknown)
            name, whole, found = parsed(out)
            assert whole == out.stat().st_size - 8 and (b"LIST" in found) == bool(
                tail and not unknown
            )
            assert found[b"data"][1] == samples * block
            assert (name == b"RF64") == (whole > LIMIT)
            seen.add(name)
            with soundfile.SoundFile(source) as ours, soundfile.SoundFile(out) as theirs:
                assert ours.frames == theirs.frames == samples
                for start in (0, samples - 1100):
                    ours.seek(start), theirs.seek(start)
                    assert np.array_equal(ours.read(1100), theirs.read(1100))
    assert seen == {b"RIFF", b"RF64"}
