"""One message looked at: its payload rebuilt from the tables, its bytes as received."""

from __future__ import annotations

from etl.errors import UsageFault
from etl.pipeline.lake_files import open_rows
from etl.pipeline.load import Loader
from etl.pipeline.quarantine import reading
from etl.pipeline.received import open_received
from etl.pipeline.reload import check_exists
from etl.warehouse.rebuild import parse_kept, rebuild_message, to_json_text

_WHERE = (
    "select m.object_id, m.item, o.unwrap from core.message m "
    "join core.landed_object o using (object_id) where m.message_id = ?"
)


def rebuilt_message(loader: Loader, message_id: int, *, indent: int = 0) -> str:
    """The payload as JSON text, from the tables alone."""
    check_exists(loader)
    with open_rows(loader.settings) as connection:
        text = rebuild_message(connection, loader.compiled.plan, message_id)
    return to_json_text(parse_kept(text), indent=indent) if indent else text


def received_bytes(loader: Loader, message_id: int, *, envelope: bool = False) -> bytes:
    """The bytes as received, without the envelope unless it is asked for."""
    with reading(loader) as connection:
        row = connection.execute(_WHERE, [message_id]).fetchone()
    if row is None:
        raise UsageFault(f"There is no message {message_id}; ids are in core.message.")
    object_id, item, recipe = row
    return open_received(loader.landing, object_id, item, recipe, with_envelope=envelope)
