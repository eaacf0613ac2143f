"""The sound in README.md, one clip before and after, as MP3 and spectrogram in docs/audio; and the
pictures of the oracle ladder in docs/algorithm.md, of the same clip.

`make check oracle` leaves what `python -m eval.demo` reads; run it again when the network or its
integers change (tests/test_demo.py says so). The voice is synthetic, see eval/embedded/README.md.
"""

import argparse
import io
import sys
from pathlib import Path

import numpy as np
import soundfile as sf

from eval.listen import MP3, spectrogram

CLIP = "en_angus_pink_snr10_tl-26_fileid_8"
LADDER = ("band-gains", "comb", "comb-postfilter")
FOLDER = Path(__file__).resolve().parents[1] / "docs" / "audio"


def sound(samples: np.ndarray, rate: int = 48000, compression: float = 0.75) -> bytes:
    """MP3 of (N,) samples; compression as libsndfile counts, 0.75: 96 kbit/s."""
    file = io.BytesIO()
    sf.write(file, samples, rate, **MP3 | {"compression_level": compression})
    return file.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0. Raises SystemExit when the clip has not been enhanced yet."""
    parser = argparse.ArgumentParser(prog="python -m eval.demo", description="sound and pictures")
    parser.add_argument("--build", type=Path, default=Path("build"))
    build = parser.parse_args(arguments).build
    sources = {"noisy": build / "sets" / "embedded" / "noisy",
               "enhanced": build / "out" / "twin" / "embedded"}
    sources |= {step: build / "ladder" / "out" / step / "embedded" for step in LADDER}
    for name, folder in sources.items():
        path = folder / f"{CLIP}.wav"
        if not path.exists():
            raise SystemExit(f"{path}: not found; `make check oracle` writes it")
        samples, rate = sf.read(path)
        (FOLDER / f"{name}.webp").write_bytes(spectrogram(samples))
        if name not in LADDER:
            (FOLDER / f"{name}.mp3").write_bytes(sound(samples, rate))
    print(f"{FOLDER}: {CLIP}: {', '.join(sources)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
