"""Delivers messages again, as Redox does: same log id, new attempt, and often another spelling."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace
from typing import Any

import orjson

from etl.synth.message import Message, Outcome, Planted
from etl.synth.pools import uuid_text

KEPT = 256
KINDS_THAT_STAY = frozenset({"duplicate_key", "invalid_unicode"})


class Delivered:
    """The last loadable messages, from which redeliveries are drawn."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._messages: deque[Message] = deque(maxlen=KEPT)

    def add(self, message: Message) -> None:
        """Remember a message, unless it is none or parsing it would change it."""
        is_plain = not any(planted.rule in KINDS_THAT_STAY for planted in message.planted)
        if message.outcome is Outcome.LOADED and is_plain:
            self._messages.append(message)

    def redeliver(self, later: Message) -> Message | None:
        """An earlier message again, in the place and at the time of `later`."""
        if not self._messages:
            return None
        first = self._rng.choice(self._messages)
        payload = orjson.loads(first.body)
        day = self._renew(payload.get("Meta"), first, later)
        form = self._rng.choice(("as_is", "other_key_order"))
        if form == "other_key_order":
            payload = _reversed_keys(payload)
        return replace(
            first,
            position=later.position,
            body=orjson.dumps(payload),
            key=first.key._replace(day=day),
            event_at=later.event_at,
            outcome=Outcome.DUPLICATE,
            duplicate_of=first.position,
            planted=(Planted("", "", form=f"duplicate_{form}"),),
        )

    def _renew(self, meta: Any, first: Message, later: Message) -> str:
        """Change what changes on delivery: with a log id three paths, without only the attempt."""
        for log in meta.get("Logs") or ():
            if log.get("AttemptID"):
                log["AttemptID"] = uuid_text(self._rng)
        if not first.log_id or not meta.get("EventDateTime"):
            return first.key.day
        meta["EventDateTime"] = later.event_at
        if (meta.get("Transmission") or {}).get("ID"):
            meta["Transmission"]["ID"] += 1
        return later.event_at[:10]

    def share_log_id(self, later: Message) -> None:
        """Give a message the log id of an earlier one; the contents stay apart."""
        candidates = [message for message in self._messages if message.log_id]
        if not candidates or not later.log_id:
            return
        other = self._rng.choice(candidates).log_id
        later.body = later.body.replace(later.log_id.encode(), other.encode())
        later.log_id = other
        later.planted += (Planted("log_id_conflict", "Meta.Logs[].ID", (1,)),)


def _reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed_keys(value[key]) for key in reversed(value)}
    return [_reversed_keys(element) for element in value] if isinstance(value, list) else value
