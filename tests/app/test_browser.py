"""The page in headless Chromium, served by the program as a user starts it."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
from browser import NEEDS_BROWSER, launched
from command_line import pixels_of, save
from PIL import Image
from playwright.sync_api import expect, sync_playwright

PATIENCE = 240  # seconds, for the start of the program and for what compiles
# The program, with methods that compile fast.
PROGRAM = """
import sys
import pytest
from gradual import Gradual, take
from drp_jax import Loop
from drp_jax.commands.program import main
take(pytest.MonkeyPatch(), Gradual(Loop(400), rate=0.01))
sys.exit(main(["app", "--port", sys.argv[1], "--most-megapixels", "0.5"]))
"""
pytestmark = [
    pytest.mark.slow,
    NEEDS_BROWSER,
]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def program(tmp_path):
    """The program and its address; whatever happens it is ended."""
    here = os.path.dirname(os.path.dirname(__file__))
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH")))),
        "TMPDIR": str(tmp_path),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(free_port())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    watch = threading.Timer(PATIENCE, process.kill)
    watch.start()
    try:
        line = process.stdout.readline()
        assert line.startswith("the page is at "), process.stderr.read()
        assert process.stdout.readline() == "Ctrl-C ends it\n"
        watch.cancel()
        yield process, line.removeprefix("the page is at ").strip()
    finally:
        watch.cancel()
        process.kill()
        process.communicate()


def move_the_divider(page):
    """Drags it, and sees that another part of the picture is covered."""
    covered = "() => [...document.querySelectorAll('img')].map(one => one.style.clipPath).join()"
    before = page.evaluate(covered)
    grip = page.locator("[class*=slider-wrap] [class*=inner]").first.bounding_box()
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 100, y, steps=4)
    page.mouse.up()
    assert page.evaluate(covered) != before


def test_the_page_from_the_upload_to_ctrl_c(program, tmp_path):
    process, address = program
    photograph = save(tmp_path / "x.png", height=64, width=60)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    Image.new("L", (800, 800)).save(tmp_path / "large.png")
    errors, requests = [], []
    with sync_playwright() as playwright:
        browser = launched(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        page.set_default_timeout(60_000)
        page.on("console", lambda one: one.type == "error" and errors.append(one.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        status = page.get_by_label("Status").first
        file = page.locator("input[type=file]").first
        for name, words in (("bad.png", "bad.png: not an image"), ("large.png", "up to 0.5")):
            file.set_input_files(tmp_path / name)
            expect(status).to_have_value(re.compile(words))
            page.get_by_label("Clear").first.click()
        file.set_input_files(photograph)
        expect(status).to_have_value("x.png: 60 x 64 RGB image of uint8")

        page.get_by_role("button", name="Restore").click()
        expect(status).to_have_value(re.compile("400 iterations in"), timeout=PATIENCE * 1000)
        move_the_divider(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download the result").click()
        assert download.value.suggested_filename == "x_restored.png"
        download.value.save_as(tmp_path / "got.png")
        expected = (1 - 0.99**400) * pixels_of(photograph)
        np.testing.assert_allclose(pixels_of(tmp_path / "got.png"), expected, atol=0.6)

        page.set_viewport_size({"width": 400, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        page.get_by_role("tab", name="MRI and CT").click()
        tab = page.get_by_role("tabpanel").filter(has_text="Acceleration")
        tab.get_by_role("button", name="Reconstruct").click()
        status = tab.get_by_label("Status")
        expect(status).to_have_value(
            re.compile("zero-filled .* -> restored"), timeout=PATIENCE * 1000
        )
        expect(tab.get_by_text(re.compile("reconstructed, .* dB"))).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        browser.close()
    assert errors == []
    assert all(re.match(f"{re.escape(address)}|data:|blob:", one) for one in requests)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == "\nended\n"
    assert "Traceback" not in err
    assert not list(tmp_path.glob("drp_jax-*"))  # what was uploaded is gone
