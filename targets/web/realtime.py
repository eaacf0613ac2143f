"""Share of a core in a browser's audio thread, beside RNNoise in the same page.

`python -m targets.web.realtime` takes `build/npm/package` (`make npm`), fetches @jitsi/rnnoise-wasm
from npm, and lets Debian's Chromium render a clip of the embedded set in an OfflineAudioContext by
each in turn. Counted is the processor time of the page's process, less that of a render without a
suppressor; the median of the turns.
"""

import argparse
import shutil
import statistics
from pathlib import Path

from targets.build import call
from targets.target import ROOT
from targets.web.browser import chromium, served
from targets.web.npm import FOLDER

PEER = "@jitsi/rnnoise-wasm@0.2.1"
SITE = Path("build/web/realtime")
CLIP = ROOT / "eval/embedded/noisy" / "en_ella_fan_office_snr0_tl-26_fileid_10.flac"
PAGE = Path(__file__).with_name("realtime.html")
WORKLET = Path(__file__).with_name("realtime_rnnoise.js")


def make_site() -> None:
    """The page with package, peer and clip. SystemExit when one of them is missing."""
    if not (FOLDER / "package").is_dir():
        raise SystemExit(f"{FOLDER / 'package'}: not found; `make npm` writes it")
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.copytree(FOLDER / "package", SITE / "percepnet")
    call(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(SITE), PEER])
    shutil.copy(PAGE, SITE / "index.html")
    shutil.copy(WORKLET, SITE)
    shutil.copy(CLIP, SITE / "clip.flac")


def cpu_seconds(session) -> float:
    """Processor time that the pages of a browser have taken so far."""
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return sum(process["cpuTime"] for process in processes if process["type"] == "renderer")


def measure(address: str, seconds: int, turns: int) -> tuple[str, dict[str, float]]:
    """Version of the browser; median share of a core of each system."""
    from playwright.sync_api import sync_playwright  # of the extra `test`

    path = chromium()
    if not path:
        raise SystemExit("chromium: not found; targets/setup.sh hosts installs it")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path)
        page, session = browser.new_page(), browser.new_browser_cdp_session()
        page.goto(address)
        shares = {system: [] for system in page.evaluate("systems")}
        for turn in range(turns + 1):  # the first compiles
            for system, found in shares.items():
                start = cpu_seconds(session)
                page.evaluate("([system, seconds]) => render(system, seconds)", [system, seconds])
                found += [(cpu_seconds(session) - start) / seconds] * (turn > 0)
        version = browser.version
        browser.close()
    none, *rest = (statistics.median(found) for found in shares.values())
    return version, dict(zip(list(shares)[1:], (share - none for share in rest), strict=True))


def size(system: str) -> int:
    """Bytes that a page fetches for a system."""
    if system == "rnnoise":
        return (SITE / "node_modules/@jitsi/rnnoise-wasm/dist/rnnoise-sync.js").stat().st_size
    model, _, scalar = system.partition(" ")
    return (SITE / f"percepnet/models/{model}{'.scalar' if scalar else ''}.wasm").stat().st_size


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="of sound a render")
    parser.add_argument("--turns", type=int, default=7, help="renders a system")
    args = parser.parse_args()
    make_site()
    with served(SITE) as address:
        version, shares = measure(address, args.seconds, args.turns)
    print(f"Chromium {version}, {args.turns} renders of {args.seconds} s each in turn, median")
    print("| in the audio thread | share of a core | times RNNoise | bytes |\n|---|---|---|---|")
    for system, share in shares.items():
        ratio = share / shares["rnnoise"]
        print(f"| {system} | {100 * share:.2f} % | {ratio:.2f} | {size(system):,} |")


if __name__ == "__main__":
    main()
