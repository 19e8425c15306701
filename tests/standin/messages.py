"""Payloads of the stand-in: replies to queries, and each attempt to deliver a message.

Shapes follow api_facts: Meta with Logs, Message and Transmission; Meta.Errors as documented.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from tests.standin.replies import reply_content

SOURCE = {"ID": "7ce6f387-c33c-417d-8682-81e83628cbd9", "Name": "Redox Dev Tools"}
DESTINATION = {"ID": "ef9e7448-7f65-4432-aa96-059647e9b358", "Name": "redox-warehouse"}
ERROR = {"ID": 531806, "Text": "No patient was found.", "Type": "query", "Module": "Send"}
RECORDED_META = ("DataModel", "EventType", "Test", "Source", "Destinations", "Message")
"""What Meta of Redox's recorded replies holds; Test says here that it is no real one."""


def now_text() -> str:
    """The present moment as a Redox DateTime."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def make_reply(
    query: dict[str, Any], event_type: str, *, with_errors: bool, is_recorded: bool, number: int
) -> dict[str, Any]:
    """The reply to a query under this event type; `number` is its Meta.Message.ID.

    Recorded replies have no time and no log ids in Meta, documented ones have.
    """
    meta = make_meta(query["Meta"]["DataModel"], event_type, log_id=str(uuid.uuid4()))
    meta["Message"] = {"ID": number}
    if is_recorded:
        meta = {name: meta[name] for name in RECORDED_META}
    if with_errors:
        return {"Meta": meta | {"Errors": [ERROR]}}
    return {"Meta": meta} | reply_content(query)


def make_message(number: int, *, content_bytes: int = 0) -> dict[str, Any]:
    """A notification with its own log id; `content_bytes` of text make it as long as wanted."""
    patient = {
        "Identifiers": [{"ID": f"{number:010d}", "IDType": "MR"}],
        "Demographics": {"FirstName": "Synthia", "LastName": "Sample", "DOB": "2001-02-03"},
        "Notes": ["x" * content_bytes] if content_bytes else [],
    }
    log_id = str(uuid.UUID(int=number, version=4))
    return {"Meta": make_meta("PatientAdmin", "Arrival", log_id=log_id), "Patient": patient}


def make_meta(data_model: str, event_type: str, *, log_id: str) -> dict[str, Any]:
    """A Meta as Redox sends it."""
    return {
        "DataModel": data_model,
        "EventType": event_type,
        "EventDateTime": now_text(),
        "Test": True,
        "Source": SOURCE,
        "Destinations": [DESTINATION],
        "Logs": [{"ID": log_id, "AttemptID": str(uuid.uuid4())}],
        "Message": {"ID": 5565},
        "Transmission": {"ID": 12414},
    }


def make_attempt(message: dict[str, Any]) -> dict[str, Any]:
    """The message as one attempt to deliver it: same log id, new AttemptID and EventDateTime."""
    meta = message["Meta"]
    logs = [log | {"AttemptID": str(uuid.uuid4())} for log in meta["Logs"]]
    return message | {"Meta": meta | {"EventDateTime": now_text(), "Logs": logs}}
