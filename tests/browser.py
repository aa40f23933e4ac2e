"""A browser for tests that open a page: Chromium or Chrome, where it is installed."""

import shutil

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
NEEDS_BROWSER = pytest.mark.skipif(
    BROWSER is None, reason="no browser: neither chromium, chromium-browser nor google-chrome"
)


def launched(playwright):
    """The browser, without a window, which asks nobody but the page."""
    return playwright.chromium.launch(
        executable_path=BROWSER,
        args=[
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    )
