"""Fixtures: the web package of the smallest model, a server for it, Debian's Chromium, and the
command of the same model to compare with. Sounds come and go as base64 of int16.
"""

import base64
import contextlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import needs

from codegen import render
from eval.testset import EMBEDDED
from reference.signals import speech
from targets import build, target
from targets.web import demo, npm
from targets.web.browser import chromium, served

MODEL = "tiny"
ARGUMENTS = ["--autoplay-policy=no-user-gesture-required", "--use-fake-ui-for-media-stream",
             "--use-fake-device-for-media-stream"]  # fmt: skip
HEARD = EMBEDDED / "noisy" / "en_angus_pink_snr10_tl-26_fileid_8.flac"
"""What the microphone of the browser hears, again and again: a voice in hiss."""


def noisy(seconds: float, seed: int = 1) -> np.ndarray:
    """(N,) int16: speech-like sound in hiss, 48 kHz, no whole number of hops."""
    clean = speech(seconds)[:-123]
    return np.round(32767 * clean + np.random.default_rng(seed).normal(0, 500, clean.size)).astype(
        np.int16
    )


def text(samples: np.ndarray) -> str:
    return base64.b64encode(samples.astype("<i2").tobytes()).decode()


def samples(text_: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text_), "<i2")


@pytest.fixture(scope="session")
def tiny_host(tmp_path_factory) -> Path:
    """build/host of the smallest model: the command, and the library to link."""
    root = tmp_path_factory.mktemp("tiny")
    host = target.load("host")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        render.write(MODEL, host.folder / "gen")
        build.build(host)
    return root / host.folder


@pytest.fixture(scope="session")
def npm_tarball(tmp_path_factory) -> Path:
    """The npm package with one model, packed."""
    needs("wasm")
    root = tmp_path_factory.mktemp("npm")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        return root / npm.write([MODEL])


@pytest.fixture(scope="session")
def serve():
    """serve(folder) -> address."""
    with contextlib.ExitStack() as servers:
        yield lambda folder: servers.enter_context(served(folder))


@pytest.fixture(scope="session")
def demo_folder(npm_tarball, tmp_path_factory):
    """The demo page with that model."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        package = npm_tarball.with_name("package")
        patch.setattr(npm, "assemble", lambda models, into: shutil.copytree(package, into))
        demo.write([MODEL], folder)
    return folder


@pytest.fixture(scope="session")
def address(demo_folder, serve):
    return serve(demo_folder)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Headless, with a microphone that hears HEARD."""
    if not chromium():
        pytest.skip("chromium not found; targets/setup.sh hosts installs it")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright not found")
    heard = tmp_path_factory.mktemp("microphone") / "heard.wav"
    soundfile.write(heard, *soundfile.read(HEARD), "PCM_16")
    microphone = f"--use-file-for-fake-audio-capture={heard}"
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, microphone])
        yield started
        started.close()


@pytest.fixture
def page(browser):
    """An empty page of a fresh profile; whatever it complains of fails the test."""
    context = browser.new_context(permissions=["microphone"])
    page, faults = context.new_page(), []
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []
