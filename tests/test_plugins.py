"""LADSPA and LV2 plug-ins in the hosts that Debian has: every sample is that of the command, later
by the latency that the plug-in states.
"""

import ctypes
import os
import re
import subprocess

import numpy as np
import pytest
import soundfile
from browsers import noisy
from shipped import call, needs_program

from targets import target
from targets.plugins import build

pytestmark = pytest.mark.xdist_group("web")
LATENCY = 1920
SETTINGS = 5


@pytest.fixture(scope="module")
def plugins(tiny_host):
    """The folder that `make plugins` writes, of the smallest model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tiny_host.parents[1])
        try:
            return tiny_host.parents[1] / build.write(target.load("host"))
        except SystemExit as missing:
            if "ladspa.h" in str(missing) or "lv2.h" in str(missing):
                pytest.skip("ladspa.h or lv2.h not found; targets/setup.sh plugins installs them")
            raise


@pytest.fixture
def sound(tmp_path):
    """(N, 2) int16 that differs in its channels, and in mono.wav, stereo.wav."""
    two = np.stack([noisy(1.5, 1), noisy(1.5, 2) // 2], 1)
    soundfile.write(tmp_path / "stereo.wav", two, 48000, "PCM_16")
    soundfile.write(tmp_path / "mono.wav", two[:, 0], 48000, "PCM_16")
    return two


def command(host, folder, name, *options):
    """What the command makes of a file, aligned with it."""
    call([host / "percepnet", *options, name, "command.wav"], cwd=folder)
    return soundfile.read(folder / "command.wav", dtype="int16")[0]


def late(made, expected) -> bool:
    """Whether what a plug-in made is `expected`, later by LATENCY and cut as the host cuts it."""
    made = made[LATENCY:]
    return len(made) > LATENCY and np.array_equal(made, expected[: len(made)])


HOSTILE = """
#include <stdlib.h>
#include "plugin.h"
int main(void)
{
    static const unsigned long counts[] = {0, 1, 333, 4096, 7};
    if (plugin_new(7999, 1) || plugin_new(192001, 2)) return 1;
    plugin_free(NULL);
    for (unsigned channels = 1; channels <= PLUGIN_MAX_CHANNELS; channels++) {
        unsigned long ports = PLUGIN_PORTS(channels);
        plugin *p = plugin_new(44100, channels);
        float **data = calloc(ports, sizeof *data);
        plugin_run(p, 100); /* nothing is connected yet */
        for (unsigned long port = 0; port < ports; port++)
            plugin_connect(p, port, data[port] = calloc(4096, sizeof **data));
        plugin_connect(p, ports, NULL);
        for (int i = 0; i < 5; i++) {
            for (unsigned s = 0; s < PLUGIN_SETTINGS; s++)
                *data[2 * channels + s] = (float)(1000 * i - 1500);
            if (i == 3) plugin_activate(p);
            plugin_run(p, counts[i]);
        }
        if (*data[ports - 2] <= 0 || *data[ports - 1] < 0 || *data[ports - 1] > 1) return 2;
        plugin_free(p);
        for (unsigned long port = 0; port < ports; port++)
            free(data[port]);
        free(data);
    }
    return 0;
}
"""


def test_ports_and_channels_under_sanitizers(plugins, tiny_host, tmp_path):
    (tmp_path / "hostile.c").write_text(HOSTILE)
    sources = [build.LIVE / "live.c", build.HARNESS / "resample.c", build.PLUGINS / "plugin.c"]
    folders = [build.LIVE, build.HARNESS, build.PLUGINS, tiny_host / "obj/plugins", tiny_host]
    checks = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
    checks += [f"-iquote{folder}" for folder in folders]
    call(["gcc", "-g", "-O1", *checks, "hostile.c", *sources, tiny_host / "libpercepnet.a", "-lm",
          "-o", "hostile"], cwd=tmp_path)  # fmt: skip
    call([tmp_path / "hostile"])


# ---- LADSPA ----


@pytest.mark.parametrize("name", ["mono", "stereo"])
def test_ffmpeg_ladspa(plugins, tiny_host, sound, tmp_path, name):
    needs_program("ffmpeg")
    changed = (":controls=c0=12|c1=1|c3=0", ["-a12", "--decay-floor", "--no-pf"])
    for controls, options in (("", []), changed):
        plugin = f"ladspa=file={plugins / 'percepnet.so'}:plugin=percepnet_{name}{controls}"
        call(["ffmpeg", "-v", "error", "-y", "-i", f"{name}.wav", "-af", plugin, "out.wav"],
             cwd=tmp_path)  # fmt: skip
        made, rate = soundfile.read(tmp_path / "out.wav", dtype="int16")
        assert rate == 48000
        assert late(made, command(tiny_host, tmp_path, f"{name}.wav", *options))


def test_the_line_of_the_docs(plugins, tiny_host, sound, tmp_path):
    needs_program("ffmpeg")
    page = (target.ROOT / "docs/plugins.md").read_text()
    (line,) = re.findall(r"^(ffmpeg .*)$", page, re.M)
    line = line.replace("build/host/plugins", str(plugins)).replace("noisy", "mono")
    assert ",atrim=start_sample=1920" in page
    line = line.replace(" clean.wav", ",atrim=start_sample=1920 clean.wav")
    call([*line.split(), "-v", "error"], cwd=tmp_path)
    made = soundfile.read(tmp_path / "clean.wav", dtype="int16")[0]
    assert np.array_equal(made, command(tiny_host, tmp_path, "mono.wav", "-a20")[: made.size])


def test_applyplugin_and_analyseplugin(plugins, tiny_host, sound, tmp_path):
    needs_program("applyplugin")
    listed = call(["analyseplugin", plugins / "percepnet.so"])
    assert '"Attenuation limit (dB)" input, control, 0 to 100, default 100, integer' in listed
    assert '"latency" output, control, integer' in listed
    assert listed.count("Hard Real-Time") == 2
    defaults = ["100", "0", "0", "0", "20"]
    call(["applyplugin", "mono.wav", "out.wav", plugins / "percepnet.so", "percepnet_mono",
          *defaults], cwd=tmp_path)  # fmt: skip
    made = soundfile.read(tmp_path / "out.wav", dtype="int16")[0]
    assert late(made, command(tiny_host, tmp_path, "mono.wav"))


class Descriptor(ctypes.Structure):
    """LADSPA_Descriptor."""

    _fields_ = [
        ("unique_id", ctypes.c_ulong), ("label", ctypes.c_char_p), ("properties", ctypes.c_int),
        ("name", ctypes.c_char_p), ("maker", ctypes.c_char_p), ("copyright", ctypes.c_char_p),
        ("port_count", ctypes.c_ulong), ("ports", ctypes.POINTER(ctypes.c_int)),
        ("port_names", ctypes.POINTER(ctypes.c_char_p)), ("hints", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("instantiate", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ulong)),
        ("connect_port", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p)),
        ("activate", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("run", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ulong)),
        ("run_adding", ctypes.c_void_p), ("set_run_adding_gain", ctypes.c_void_p),
        ("deactivate", ctypes.c_void_p), ("cleanup", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    ]  # fmt: skip


class Host:
    """percepnet_mono in a host of our own, at any rate, with blocks of any length, in place."""

    def __init__(self, plugins, rate) -> None:
        library = ctypes.CDLL(str(plugins / "percepnet.so"))
        library.ladspa_descriptor.restype = ctypes.POINTER(Descriptor)
        self.plugin = library.ladspa_descriptor(0).contents
        self.handle = self.plugin.instantiate(None, rate)
        if not self.handle:
            return
        self.controls = np.array([100, 0, 0, 0, 0, -1, -1], np.float32)
        for port in range(self.controls.size):
            self.plugin.connect_port(self.handle, 2 + port, self.controls[port:].ctypes.data)
        self.plugin.activate(self.handle)

    def run(self, samples, lengths) -> np.ndarray:
        """(N,) float32 in and out."""
        samples, at = samples.astype(np.float32), 0
        while at < samples.size:
            block = samples[at : at + next(lengths)]
            for port in (0, 1):
                self.plugin.connect_port(self.handle, port, block.ctypes.data)
            self.plugin.run(self.handle, block.size)
            at += block.size
        return samples

    @property
    def latency(self) -> int:
        return int(self.controls[SETTINGS])

    @property
    def voice(self) -> float:
        return float(self.controls[SETTINGS + 1])


def lengths(seed=1):
    """1 ... 4800 samples, for ever."""
    rng = np.random.default_rng(seed)
    while True:
        yield int(rng.integers(1, 4801) if rng.random() < 0.5 else rng.integers(1, 130))


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000, 96000, 192000])
def test_any_rate_and_block_equals_the_command(plugins, tiny_host, tmp_path, rate):
    """Stated latency, whatever the blocks; a sound between silences: the command cuts its ends."""
    sound = noisy(2)
    sound[:2000] = sound[-2000:] = 0
    soundfile.write(tmp_path / "in.wav", sound, rate, "PCM_16")
    expected = command(tiny_host, tmp_path, "in.wav", "--resample")
    host = Host(plugins, rate)
    made = host.run(np.pad(sound, (0, 20000)) / 32768, lengths())
    assert np.array_equal(made[host.latency :][: sound.size] * 32768, expected)
    assert not np.any(made[: host.latency - rate // 50])
    assert 0.04 * rate <= host.latency <= 0.06 * rate and 0 <= host.voice <= 1
    host.plugin.activate(host.handle)
    again = host.run(np.pad(sound, (0, 20000)) / 32768, lengths(2))
    assert np.array_equal(again, made), "activate does not make it new"
    host.plugin.cleanup(host.handle)


@pytest.mark.parametrize("rate", [0, 7999, 192001])
def test_other_rates_are_refused(plugins, rate):
    assert not Host(plugins, rate).handle


def test_nonsense_does_no_harm(plugins):
    """NaN, infinity and what is far beyond full scale, in sound and controls; nothing connected."""
    host = Host(plugins, 48000)
    bad = np.tile(np.array([np.nan, np.inf, -np.inf, 1e30, -2, 1, 0], np.float32), 2000)
    for value in (np.nan, np.inf, -np.inf, 1e30, -5):
        host.controls[:SETTINGS] = value
        made = host.run(bad, lengths())
        assert np.all(np.isfinite(made)) and np.abs(made).max() <= 1
    host.controls[:SETTINGS] = [0, 0, 0, 1, 0]
    zeros = host.run(np.zeros(48000), lengths())
    assert not np.any(zeros[-4800:])
    for port in range(host.plugin.port_count):
        host.plugin.connect_port(host.handle, port, None)
    host.plugin.run(host.handle, 480)
    host.plugin.cleanup(host.handle)


# ---- LV2 ----


@pytest.fixture
def lv2(plugins):
    """Environment in which ours is the only LV2 plug-in beside the specifications."""
    return os.environ | {"LV2_PATH": f"{plugins}:/usr/lib/lv2"}


def test_descriptions_are_valid(plugins):
    needs_program("lv2_validate")
    needs_program("sord_validate")
    bundle = plugins / "percepnet.lv2"
    done = subprocess.run(["lv2_validate", *sorted(bundle.glob("*.ttl"))], check=False,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0 and "error" not in done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["mono", "stereo"])
def test_lv2apply(plugins, tiny_host, sound, tmp_path, lv2, name):
    needs_program("lv2apply")
    samples = soundfile.read(tmp_path / f"{name}.wav", dtype="float32")[0]
    soundfile.write(tmp_path / "in.wav", samples, 48000, "FLOAT")
    call(["lv2apply", "-i", "in.wav", "-o", "out.wav", "-c", "highpass", "1",
          f"urn:percepnet:{name}"], cwd=tmp_path, env=lv2)  # fmt: skip
    made = soundfile.read(tmp_path / "out.wav", dtype="float32")[0] * 32768
    assert late(made, command(tiny_host, tmp_path, f"{name}.wav", "--highpass"))


def test_lv2_hosts_know_latency_and_ranges(lv2):
    needs_program("lv2info")
    listed = call(["lv2info", "urn:percepnet:stereo"], env=lv2)
    assert "Has latency:       yes, reported by port 9" in listed
    assert "http://lv2plug.in/ns/lv2core#hardRTCapable" in listed
    postfilter = listed.split("postfilter_beta_permille")[1]
    assert "Minimum:     1.0" in postfilter and "Default:     20.0" in postfilter


def test_ffmpeg_lv2(plugins, tiny_host, sound, tmp_path, lv2):
    needs_program("ffmpeg")
    if "lv2" not in call(["ffmpeg", "-v", "error", "-filters"]):
        pytest.skip("ffmpeg was built without lv2")
    call(["ffmpeg", "-v", "error", "-y", "-i", "stereo.wav", "-af",
          r"lv2=p=urn\\:percepnet\\:stereo:c=attenuation_limit_db=12", "out.wav"],
         cwd=tmp_path, env=lv2)  # fmt: skip
    made = soundfile.read(tmp_path / "out.wav", dtype="int16")[0]
    assert late(made, command(tiny_host, tmp_path, "stereo.wav", "-a12"))


def test_lv2bench_runs(lv2, plugins):
    needs_program("lv2bench")
    call(["lv2bench", "-n", "8192", "urn:percepnet:mono"], env=lv2)
