"""Turns facts into the objects of Redox payloads: a patient, a place, a provider, Meta."""

from __future__ import annotations

from typing import Any

from etl.synth.scenarios.lists import Place
from etl.synth.scenarios.people import ADDRESS, NAME, Facts, Record
from etl.synth.scenarios.senders import Provider, Sender
from etl.synth.scenarios.steps import Detail

Json = dict[str, Any]
PLAIN = {
    "first_name": "FirstName", "middle_name": "MiddleName", "last_name": "LastName",
    "birth_date": "DOB", "sex": "Sex", "race": "Race", "is_hispanic": "IsHispanic",
    "language": "Language", "marital_status": "MaritalStatus", "is_deceased": "IsDeceased",
    "death_at": "DeathDateTime",
}  # fmt: skip
SHORT = (*NAME, "birth_date", "sex")


def identifiers(record: Record, types: tuple[str, ...] = ()) -> list[Json]:
    """The ids of a record, its own type first; all types, if none is named."""
    return [
        {"ID": value, "IDType": name}
        for name, value in record.identifiers.items()
        if not types or name in types
    ]


def said_of(record: Record, detail: Detail) -> Facts:
    """The facts that a message of this detail says: only what is known is said."""
    if detail is Detail.IDS:
        return {}
    names = SHORT if detail is Detail.NAME else tuple(record.facts)
    return {name: record.facts[name] for name in names if record.facts.get(name) is not None}


def patient(record: Record, said: Facts) -> Json:
    """The patient object with the facts said."""
    block: Json = {"Identifiers": identifiers(record)}
    if said:
        block["Demographics"] = demographics(said)
    return block


def demographics(said: Facts) -> Json:
    """The Demographics object; what is not said is left out."""
    block: Json = {PLAIN[name]: value for name, value in said.items() if name in PLAIN}
    phones = {"Home": said.get("phone_home"), "Mobile": said.get("phone_mobile")}
    phones = {name: number for name, number in phones.items() if number}
    if phones:
        block["PhoneNumber"] = phones
    if said.get("email"):
        block["EmailAddresses"] = [said["email"]]
    if said.get("address"):
        block["Address"] = address(said)
    return block


def address(said: Facts) -> Json:
    """The Address object."""
    keys = ("StreetAddress", "City", "State", "ZIP", "County")
    parts = {key: said[name] for key, name in zip(keys, ADDRESS, strict=True)}
    return {**parts, "Country": "US"}


def provider(one: Provider) -> Json:
    """A provider object as most models know it."""
    return {
        "ID": one.npi,
        "IDType": "NPI",
        "FirstName": one.first_name,
        "LastName": one.last_name,
        "Credentials": ["MD"],
    }


def ordering_provider(one: Provider) -> Json:
    """A provider object of orders and results, which has a field for the NPI."""
    return {"NPI": one.npi, **provider(one)}


def location(place: Place, *, has_bed: bool = True) -> Json:
    """A Location object; scheduling and some others know no bed."""
    block: Json = {
        "Type": place.type,
        "Facility": place.facility,
        "FacilityIdentifiers": [{"ID": place.facility_code, "IDType": "Facility"}],
        "Department": place.department,
        "DepartmentIdentifiers": [{"ID": place.department_id, "IDType": "Department"}],
        "Room": place.room,
    }
    if has_bed and place.bed:
        block["Bed"] = place.bed
    return block


def meta(
    sender: Sender, *, data_model: str, event_type: str, ids: tuple[str, str], has_facility: bool
) -> Json:
    """Meta without its time; `ids` are those of log and attempt."""
    log_id, attempt_id = ids
    number = int(sender.next_id("message"))
    block: Json = {
        "DataModel": data_model,
        "EventType": event_type,
        "Source": {"ID": sender.source_id, "Name": sender.name},
        "Destinations": [{"ID": sender.destination_id, "Name": "Warehouse"}],
        "Logs": [{"ID": log_id, "AttemptID": attempt_id}],
        "Message": {"ID": number},
        "Transmission": {"ID": 7 * number},
    }
    if has_facility:
        block["FacilityCode"] = sender.facility_code
    return block
