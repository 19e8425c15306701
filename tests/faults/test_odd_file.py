"""A file with everything wrong: every byte is accounted for, the good messages are loaded whole."""

from pathlib import Path

import pytest

from etl.landing.store import Landing
from etl.pipeline.load import load_paths
from etl.settings import Settings, read_settings
from etl.warehouse.connection import open_warehouse
from etl.warehouse.rebuild import rebuild_messages
from tests.faults.odd_file import OddFile, write_odd_file
from tests.packaged import packaged_plan
from tests.reference.compare import differences
from tests.reference.json_text import parse


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[OddFile, Settings]:
    folder = tmp_path_factory.mktemp("odd")
    odd = write_odd_file(folder / "odd.ndjson")
    settings = read_settings(folder / "home")
    load_paths(settings, [str(odd.path)])
    return odd, settings


def test_every_item_is_counted_once(world: tuple[OddFile, Settings]) -> None:
    odd, settings = world
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        row = connection.execute(
            "select received, loaded, duplicate, quarantined from core.load"
        ).fetchall()
        reasons = dict(connection.execute("select item, reason from core.quarantine").fetchall())
    assert row == [(odd.items, len(odd.loaded), 0, len(odd.quarantined))]
    assert reasons == odd.quarantined


def test_every_byte_is_an_item_or_a_separator(world: tuple[OddFile, Settings]) -> None:
    odd, settings = world
    landing = Landing(settings.landing_path)
    (object_id,) = landing.object_ids()
    landed = landing.describe(object_id)
    items = landing.items(object_id)
    assert landed.size_bytes == odd.path.stat().st_size
    assert landed.separator_bytes + landed.torn_bytes + int(items.length.sum()) == landed.size_bytes
    assert landing.read(object_id, 0, landed.size_bytes) == odd.path.read_bytes()


def test_good_messages_are_loaded_whole(world: tuple[OddFile, Settings]) -> None:
    odd, settings = world
    plan = packaged_plan()
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        ids = dict(connection.execute("select message_id, item from core.message").fetchall())
        rebuilt = rebuild_messages(connection, plan, list(ids))
    faults = [
        f"item {ids[message_id]}: {difference}"
        for message_id, text in rebuilt.items()
        for difference in differences(
            parse(odd.loaded[ids[message_id]].removeprefix(b"\xef\xbb\xbf")), parse(text.encode())
        )
    ]
    assert sorted(ids.values()) == sorted(odd.loaded)
    assert faults == []


def test_loading_it_again_changes_nothing(world: tuple[OddFile, Settings], tmp_path: Path) -> None:
    odd, settings = world
    again = load_paths(settings, [str(odd.path)])
    assert (again.received, again.loaded, again.skipped_objects) == (0, 0, 1)
    copy = tmp_path / "grown.ndjson"
    copy.write_bytes(odd.path.read_bytes() + b"\n" + odd.loaded[1].replace(b"SYN1", b"NEW1"))
    grown = load_paths(settings, [str(copy)])
    assert grown.loaded == 1
    assert grown.duplicate == len(odd.loaded)
