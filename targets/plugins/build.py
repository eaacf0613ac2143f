"""LADSPA and LV2 plug-ins: `python -m targets.plugins.build TARGET`.

From `build/<target>/libpercepnet.a` come, in `build/<target>/plugins/`: `percepnet.so` for LADSPA,
the bundle `percepnet.lv2`, and `percepnet.conf`, a filter chain for PipeWire.
"""

import argparse
import dataclasses
import shutil
from pathlib import Path

import jinja2

from targets.build import compile_objects, link
from targets.target import HARNESS, ROOT, Target, load, read_plan

PLUGINS = Path(__file__).parent
LIVE = ROOT / "targets" / "live"
HEADERS = ("settings.h", "ladspa_ports.h")
BUNDLE = ("manifest.ttl", "percepnet.ttl")
CHANNELS = {"mono": [""], "stereo": [" L", " R"]}
TITLES = {
    "postfilter": "Postfilter",
    "postfilter_beta_permille": "Postfilter strength (1/1000)",
    "decay_floor": "Decay floor",
    "highpass": "High-pass",
    "attenuation_limit_db": "Attenuation limit (dB)",
}
ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(PLUGINS),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)


def ladspa_hint(setting: dict) -> tuple[str, int]:
    """LADSPA's hint for a setting, and the lower end of its port.

    LADSPA can name few defaults; where ours is none of them 0, below the range, stands for it.
    """
    low, high, default = setting["min"], setting["max"], setting["default"]
    if (low, high) == (0, 1):
        return f"LADSPA_HINT_TOGGLED | LADSPA_HINT_DEFAULT_{default}", low
    for name, value in (("MINIMUM", low), ("MAXIMUM", high)):
        if default == value:
            return f"BOUNDED | LADSPA_HINT_INTEGER | LADSPA_HINT_DEFAULT_{name}", low
    assert low > 0, setting
    return "BOUNDED | LADSPA_HINT_INTEGER | LADSPA_HINT_DEFAULT_0", 0


def facts(api: dict) -> dict:
    """What the templates fill in: version, model, settings with titles, channels of a plug-in."""
    settings = {}
    for name, setting in api["settings"].items():
        hint, low = ladspa_hint(setting)
        settings[name] = setting | {"title": TITLES[name], "hint": hint, "ladspa_min": low}
    return api | {"settings": settings, "plugins": CHANNELS}


def render(filled: dict, template: str, path: Path) -> None:
    """A template of this folder, filled in, as `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ENVIRONMENT.get_template(f"{template}.j2").render(filled))


def with_headers(target: Target, into: Path) -> Target:
    """The target with the folders of our headers; those of LADSPA and LV2 serve every processor."""
    folders = [f"-I{folder}" for folder in (LIVE, HARNESS, PLUGINS, into)]
    flags = [*target.compile["flags"], *folders, "-idirafter", "/usr/include"]
    return dataclasses.replace(target, compile=target.compile | {"flags": flags})


def write(target: Target) -> Path:
    """Everything in `build/<target>/plugins`; the folder. SystemExit when anything is refused."""
    if "module" in target.compile:
        raise SystemExit(f"target {target.name} found; plug-ins need one with shared libraries")
    library = target.folder / "libpercepnet.a"
    if not library.is_file():
        raise SystemExit(f"{library}: not found; `make build target={target.name}` makes it")
    filled = facts(read_plan(target)["api"])
    folder, into = target.folder / "plugins", target.folder / "obj" / "plugins"
    for old in (folder, into):
        shutil.rmtree(old, ignore_errors=True)
    for name in HEADERS:
        render(filled, name, into / name)
    for name in BUNDLE:
        render(filled, name, folder / "percepnet.lv2" / name)
    render(filled, "pipewire.conf", folder / "percepnet.conf")
    sources = [LIVE / "live.c", HARNESS / "resample.c", PLUGINS / "plugin.c"]
    for kind, name in (("ladspa", "percepnet.so"), ("lv2", "percepnet.lv2/percepnet.so")):
        parts = [*sources, PLUGINS / f"{kind}.c"]
        objects = compile_objects(with_headers(target, into), parts, into / kind)
        link(target, ["-shared", "-Wl,-z,defs"], [*objects, library, "-lm"], f"plugins/{name}")
    return folder


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    target = load(parser.parse_args().target)
    folder = write(target)
    size = (folder / "percepnet.so").stat().st_size
    print(f"{folder}: percepnet.so (LADSPA, {size:,} bytes), percepnet.lv2, percepnet.conf")


if __name__ == "__main__":
    main()
