"""What the demo loads: a month of three senders, their quirks, one broken file, and an agreement.

The month ends yesterday, so that "the last 30 days" of every page and query have messages.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

from etl.atomic import own_folder
from etl.settings import Settings
from etl.synth.scenarios import ScenarioDials, write_scenarios
from etl.synth.scenarios.quirks import read_quirks
from etl.synth.scenarios.run import EVENTS

PATIENTS, DAYS, FILES = 2_000, 30, 10
BROKEN_SENDER, BROKEN_FILE = "lakeside-clinic", "sent-again.json"
EXPECTATIONS = "expectations.csv"
_DATA_MODEL = re.compile(rb'"DataModel":\s*"([^"]+)"')


def today() -> date:
    """The day in UTC."""
    return datetime.now(UTC).date()


def messages_folder(settings: Settings) -> Path:
    """Where the demo's messages arrive, a folder for each sender; the sensor watches it."""
    return settings.incoming_path / "demo"


def make_messages(settings: Settings, *, clock: Callable[[], date] = today) -> bool:
    """Write the messages once; whether they were written now."""
    folder = messages_folder(settings)
    if folder.is_dir():
        return False
    unfinished = settings.home / "demo.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    _write(unfinished, last_day=clock() - timedelta(days=1))
    _agree(settings)
    own_folder(folder.parent)
    (unfinished / EVENTS).rename(folder)
    shutil.rmtree(unfinished)
    return True


def data_models(settings: Settings) -> tuple[str, ...]:
    """The data models that the demo's messages are of, sorted."""
    files = messages_folder(settings).rglob("*.ndjson")
    found = {name for file in files for name in _DATA_MODEL.findall(file.read_bytes())}
    return tuple(sorted(name.decode() for name in found))


def _write(folder: Path, *, last_day: date) -> None:
    dials = ScenarioDials(
        patients=PATIENTS,
        days=DAYS,
        first_day=last_day - timedelta(days=DAYS - 1),
        files=FILES,
        by_sender=True,
    )
    with resources.as_file(_data("quirks.csv")) as quirks:
        write_scenarios(folder, dials=dials, quirks=read_quirks(quirks))
    _break_off(folder / EVENTS / BROKEN_SENDER)


def _break_off(folder: Path) -> None:
    """Send the first message again, in a file that ends in the middle of it."""
    first = next(iter(sorted(folder.iterdir())))
    with first.open("rb") as file:
        line = file.readline()
    (folder / BROKEN_FILE).write_bytes(line[: len(line) // 2])


def _agree(settings: Settings) -> None:
    """Put down what the sites agreed to send, unless the home has an agreement of its own."""
    own_folder(settings.catalog_path)
    file = settings.catalog_path / EXPECTATIONS
    if not file.exists():
        file.write_bytes(_data(EXPECTATIONS).read_bytes())


def _data(name: str) -> resources.abc.Traversable:
    return resources.files("etl.orchestration").joinpath("demo_data", name)
