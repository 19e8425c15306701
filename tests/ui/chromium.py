"""The system's Chromium, for pages in a real browser; tests of pages are skipped without it."""

from __future__ import annotations

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
IN_A_BROWSER = [
    pytest.mark.ui,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
