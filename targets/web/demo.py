"""Demo page: `python -m targets.web.demo` writes `build/demo/`, files that any server serves.

The page, the npm package it is made of, and three sounds to begin with.
"""

import argparse
import json
import shutil
from pathlib import Path

from targets.target import ROOT
from targets.web import npm
from targets.wheel import shipped_models

PAGE = Path(__file__).parent / "page"
FOLDER = Path("build/demo")
NOISY = ROOT / "eval" / "embedded" / "noisy"
DEFAULT = "small"
SAMPLES = {
    "office.flac": NOISY / "en_ella_fan_office_snr0_tl-26_fileid_10.flac",
    "keyboard.flac": NOISY / "de_bernd_keyboard_snr5_tl-26_fileid_11.flac",
}
"""As the page names them; the third is what fails most."""
WEAK = ROOT / "docs" / "audio" / "weak"


def weakness(model: str) -> dict:
    """The hard case of which a model loses most, as last measured: its file, title, dB lost."""
    path = ROOT / "eval" / "baseline" / "studies" / f"weaknesses-{model}.json"
    rows = [row for row in json.loads(path.read_text())["rows"] if row["system"] == "twin"]
    worst = max(rows, key=lambda row: row["speech_loss"])
    return {"file": f"{worst['case']}.mp3", "title": worst["title"].capitalize(),
            "lost_db": round(worst["speech_loss"])}


def write(models: list[str], folder: Path) -> None:
    """The page in `folder`, emptied before. Raises SystemExit when a module does not build."""
    shutil.rmtree(folder, ignore_errors=True)
    package = folder / "percepnet"
    npm.assemble(models, package)
    default = DEFAULT if DEFAULT in models else models[0]
    weak = weakness(DEFAULT)
    facts = {"models": models, "sizes": npm.sizes(models, package), "default": default,
             "weakness": weak}  # fmt: skip
    for path in sorted(PAGE.iterdir()):
        npm.copy(path, folder, facts)
    (folder / "samples").mkdir()
    for name, source in {**SAMPLES, weak["file"]: WEAK / weak["file"]}.items():
        shutil.copy(source, folder / "samples" / name)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=shipped_models(), help="all if not given")
    models = parser.parse_args().models
    write(models, FOLDER)
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    print(f"{FOLDER}: {len(files)} files, {sum(path.stat().st_size for path in files):,} bytes")
    print(f"to look at it: python3 -m http.server --directory {FOLDER}, then http://localhost:8000")


if __name__ == "__main__":
    main()
