"""The sound in README.md, one clip before and after, as MP3 and spectrogram in docs/audio; and the
pictures of the oracle ladder in docs/algorithm.md, of the same clip.

`make check ladder` leaves what `python -m pages.sound` reads; run it again when the network or its
integers change (tests/test_demo.py says so). The voice is synthetic, see eval/embedded/README.md.
"""

import argparse
import sys
from pathlib import Path

import soundfile as sf

from eval.listen import SOUND, sound, spectrogram

CLIP = "en_angus_pink_snr10_tl-26_fileid_8"
LADDER = ("band-gains", "comb", "comb-postfilter")


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0. Raises SystemExit when the clip has not been enhanced yet."""
    parser = argparse.ArgumentParser(prog="python -m pages.sound", description="sound and pictures")
    parser.add_argument("--build", type=Path, default=Path("build"))
    build = parser.parse_args(arguments).build
    sources = {"noisy": build / "sets" / "embedded" / "noisy",
               "enhanced": build / "out" / "twin" / "embedded"}
    sources |= {step: build / "ladder" / "out" / step / "embedded" for step in LADDER}
    for name, folder in sources.items():
        path = folder / f"{CLIP}.wav"
        if not path.exists():
            raise SystemExit(f"{path}: not found; `make check ladder` writes it")
        samples, rate = sf.read(path)
        (SOUND / f"{name}.webp").write_bytes(spectrogram(samples))
        if name not in LADDER:
            (SOUND / f"{name}.mp3").write_bytes(sound(samples, rate))
    print(f"{SOUND}: {CLIP}: {', '.join(sources)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
