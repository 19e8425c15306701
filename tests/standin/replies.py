"""What a reply holds: values at paths that only its event type lists, so that its shape shows it.

Redox's recorded replies have the query's event type, no EventDateTime and no Logs; its documentation
prints the reply's event type. The stand-in speaks both.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from models.catalog import Catalog
from models.catalog.records import Field, JsonType
from models.compile.replies import compile_replies
from tests.packaged import packaged_catalog

MOST_VALUES = 4


@cache
def _catalog() -> Catalog:
    return packaged_catalog()


@cache
def _own_fields(data_model: str, query: str) -> tuple[Field, ...]:
    """Plain texts that only the reply lists, as near to the top as there are."""
    shape = compile_replies(_catalog(), data_model)[query]
    texts = [
        field
        for field in _catalog().fields[data_model]
        if field.path in shape.only_reply
        and field.json_type is JsonType.STRING
        and not (field.temporal or field.value_set)
    ]
    return tuple(sorted(texts, key=lambda field: (field.path.count("."), field.path))[:MOST_VALUES])


@cache
def _listed_keys(data_model: str, event_type: str) -> frozenset[str]:
    """The keys beside Meta that an event type lists."""
    fields = _catalog().fields[data_model]
    paths = (field.path for field in fields if event_type in field.event_types)
    return frozenset(path.split(".")[0].removesuffix("[]") for path in paths) - {"Meta"}


def reply_content(query: dict[str, Any]) -> dict[str, Any]:
    """What the reply to a query holds beside Meta: the query's own where listed, and the reply's."""
    meta = query["Meta"]
    data_model, event_type = meta["DataModel"], meta["EventType"]
    reply = compile_replies(_catalog(), data_model)[event_type].reply
    listed = _listed_keys(data_model, reply)
    content = {key: value for key, value in query.items() if key in listed}
    for field in _own_fields(data_model, event_type):
        _put(content, field.path.split("."), "Synthetic")
    return content


def _put(holder: dict[str, Any], names: list[str], value: str) -> None:
    name = names[0].removesuffix("[]")
    if len(names) == 1:
        holder[name] = value
    elif names[0].endswith("[]"):
        elements = holder.setdefault(name, [{}])
        _put(elements[0], names[1:], value)
    else:
        holder[name] = dict(holder.get(name) or {})
        _put(holder[name], names[1:], value)
