"""The sound and pictures in docs/audio: one clip of the embedded set, before and after.

`make baseline` keeps what a model makes of it (`keep`), `python -m pages.sound` the clip itself and
the steps of the oracle ladder, which `make ladder` leaves and docs/algorithm.md shows. The voice is
synthetic, see eval/embedded/README.md; tests/test_sound.py says when a file is no longer current.
"""

import argparse
import sys
from pathlib import Path

import soundfile as sf

from eval.listen import SOUND, sound, spectrogram

CLIP = "en_angus_pink_snr10_tl-26_fileid_8"
LADDER = ("band-gains", "comb", "comb-postfilter")


def keep(folder: Path, name: str, heard: bool = True) -> None:
    """docs/audio/<name>.webp of the CLIP in a folder, and .mp3. SystemExit without the clip."""
    path = folder / f"{CLIP}.wav"
    if not path.exists():
        raise SystemExit(f"error: {path}: not found; make check ladder writes it")
    samples, rate = sf.read(path)
    (SOUND / f"{name}.webp").write_bytes(spectrogram(samples))
    if heard:
        (SOUND / f"{name}.mp3").write_bytes(sound(samples, rate))


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0."""
    parser = argparse.ArgumentParser(prog="python -m pages.sound", description="sound and pictures")
    parser.add_argument("--build", type=Path, default=Path("build"))
    build = parser.parse_args(arguments).build
    keep(build / "sets" / "embedded" / "noisy", "noisy")
    for step in LADDER:
        keep(build / "ladder" / "out" / step / "embedded", step, heard=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
