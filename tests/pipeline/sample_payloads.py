"""The documentation's sample payloads, where a checkout has them beside it; never copied into it."""

from __future__ import annotations

from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[3] / "shared" / "redox" / "samples"
PATHS = tuple(sorted(SAMPLES.glob("*.json")))

needs_samples = pytest.mark.skipif(not PATHS, reason="no sample payloads beside the checkout")
