"""Objects that name no data model of the catalog: why they are not loaded, what they say of themselves.

A receiver may get FHIR on the URL of its Redox messages: messages whose data model is `FHIR.*`, and
FHIR resources (mostly Bundles), which have no Meta. Both are kept whole, with a reason of their own.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Any, Final

from etl.conform.exact_json import JsonObject, NumberText
from etl.records import About

NO_META: Final = "no_meta"
UNKNOWN_MODEL: Final = "unknown_data_model"
FHIR: Final = "fhir_message"

_RESOURCE_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_LONGEST_NAME = 200
_HALF_PAIR = re.compile("[\ud800-\udfff]")


NOTHING: Final = About()


def why_not_loaded(message: JsonObject, known: Container[str]) -> str:
    """The quarantine reason of an object that names none of the `known` data models, else ""."""
    model = _text(_member(message, "Meta", "DataModel"))
    if model:
        if model in known:
            return ""
        return FHIR if model.startswith("FHIR.") else UNKNOWN_MODEL
    return FHIR if _resource_type(message) else NO_META


def describe(message: JsonObject) -> About:
    """What the object says of itself."""
    model = _text(_member(message, "Meta", "DataModel"))
    if model:
        return About(model, _text(_member(message, "Meta", "Source", "ID")))
    resource = _resource_type(message)
    if not resource:
        return NOTHING
    return About(f"FHIR {resource}", next(_fhir_sources(message), ""))


def _resource_type(message: JsonObject) -> str:
    name = _text(message.get("resourceType"))
    return name if _RESOURCE_TYPE.fullmatch(name) else ""


def _fhir_sources(bundle: JsonObject) -> Iterator[str]:
    entries = bundle.get("entry")
    held = entries if isinstance(entries, list) else []
    resources = [_member(entry, "resource") for entry in held]
    for resource in (bundle, *resources):
        if _text(_member(resource, "resourceType")) == "MessageHeader":
            for key in ("endpoint", "name"):
                if source := _text(_member(resource, "source", key)):
                    yield source


def _member(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    """A text, not longer than a name is; a number is not one.

    Half of a surrogate pair is U+FFFD, as in columns: no table can hold it.
    """
    is_text = isinstance(value, str) and not isinstance(value, NumberText)
    return _HALF_PAIR.sub("\ufffd", value[:_LONGEST_NAME]) if is_text else ""
