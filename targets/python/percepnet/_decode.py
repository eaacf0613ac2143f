"""Decoder of the command `percepnet`: what soundfile reads, as a WAV stream on standard output.

`python _decode.py FILE`. Integers keep 16, 24 or 32 bits, compressed sound becomes 16, floats stay
floats. Exits with 2 and one line where the file cannot be read.
"""

import signal
import struct
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # the command that reads us says what there is to say
signal.signal(signal.SIGPIPE, signal.SIG_DFL)

import numpy as np  # noqa: E402

BLOCK = 1 << 16
"""Samples per channel read at a time."""
WIDTHS = {"PCM_24": 3, "PCM_32": 4, "FLOAT": 0, "DOUBLE": 0}
"""Bytes of an integer by soundfile's name of what the file holds, 0 for floats; else 2."""
UNKNOWN = 0xFFFFFFFF


def header(rate: int, channels: int, width: int) -> bytes:
    """Of a stream whose length is not declared."""
    tag, width = (1, width) if width else (3, 4)
    fields = (tag, channels, rate, rate * channels * width, channels * width, 8 * width)
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, *fields)
    size = struct.pack("<I", UNKNOWN)
    return b"RIFF" + size + b"WAVE" + fmt + b"data" + size


def encode(samples: np.ndarray, width: int) -> bytes:
    """Floats of ±1 as little-endian integers of `width` bytes, or with 0 as 32-bit floats."""
    if width == 0:
        return samples.astype("<f4").tobytes()
    scale = 2.0 ** (8 * width - 1)
    whole = np.clip(np.rint(samples * scale), -scale, scale - 1).astype("<i4")
    return whole.view("u1").reshape(-1, 4)[:, :width].tobytes()


def refuse(name: str, text: str) -> int:
    print(f"percepnet: {name}: {text}", file=sys.stderr)
    return 2


def main(name: str) -> int:
    """Decodes; the exit status."""
    try:
        import soundfile
    except ImportError:
        return refuse(name, "no WAV of integers or floats; pip install 'percepnet[formats]' adds"
                      " FLAC, Ogg, MP3, AIFF, A-law; or: ffmpeg -i IN OUT.wav")  # fmt: skip
    out = sys.stdout.buffer
    try:
        with soundfile.SoundFile(name) as file:
            width = WIDTHS.get(file.subtype, 2)
            out.write(header(file.samplerate, file.channels, width))
            while len(block := file.read(BLOCK, dtype="float64", always_2d=True)):
                out.write(encode(block, width))
    except soundfile.LibsndfileError as error:
        return refuse(name, f"cannot be read: {error.error_string}: ffmpeg -i IN OUT.wav may")
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
