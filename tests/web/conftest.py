"""Receivers for the tests: one's own, or one shared by a module."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_receiver import RunningReceiver, Starter, launch, wait_for_address


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def start_receiver(tmp_path: Path) -> Iterator[Starter]:
    """Start receivers that end with the test."""
    started: list[RunningReceiver] = []

    def start(**settings: object) -> RunningReceiver:
        home = Path(str(settings.pop("home", tmp_path / "home")))
        log_path = home.parent / f"{home.name}.log"
        log_start = len(log_path.read_text("utf-8", "replace")) if log_path.exists() else 0
        receiver = launch(home, **settings)  # type: ignore[arg-type]
        started.append(receiver)
        return wait_for_address(receiver, log_start=log_start)

    yield start
    for receiver in started:
        receiver.process.kill()
        receiver.process.wait()


@pytest.fixture(scope="module")
def shared_receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningReceiver]:
    """One receiver for the tests of a module that neither stop nor break it."""
    folder = tmp_path_factory.mktemp("receiver")
    receiver = wait_for_address(
        launch(folder / "home", max_body_bytes=2**20, in_flight_bytes=2**22)
    )
    yield receiver
    receiver.kill()


@pytest.fixture
def without_root_powers() -> tuple[str, ...]:
    """A command prefix under which file permissions bind root too."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv: permissions do not bind")
    powers = "-dac_override,-dac_read_search"
    return ("setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}")
