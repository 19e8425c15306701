"""Where deliveries of known content are is on record, so that a purge reaches their bytes."""

from __future__ import annotations

from etl.landing.store import Landing
from etl.settings import Settings
from tests.pipeline.small_messages import ask, load, make_patient

DELIVERIES = """
select delivery.object_id, delivery.item, message.log_id, delivery.load_id
from core.duplicate_delivery as delivery
join core.message on message.message_id = delivery.duplicate_of
order by delivery.load_id, delivery.item
"""


def test_every_delivery_of_known_content_is_on_record(settings: Settings) -> None:
    one, other = make_patient("log 1", {"Sex": "Male"}), make_patient("log 2", {"Sex": "Female"})
    load(settings, "first", [one, other, one])
    load(settings, "second", [other, make_patient("log 3", {})])
    found = ask(settings, DELIVERIES)
    assert [row[1:] for row in found] == [(2, "log 1", 1), (0, "log 2", 2)]
    landing = Landing(settings.landing_path)
    for object_id, item, log_id, _ in found:
        at = landing.items(object_id, item, item + 1)
        raw = landing.read(object_id, int(at.offset[0]), int(at.length[0]))
        assert log_id.encode() in raw


def test_only_new_content_leaves_no_record(settings: Settings) -> None:
    load(settings, "first", [make_patient("log 1", {})])
    assert ask(settings, DELIVERIES) == []
