"""Recipes: how the items of a landed object are read, as the ledger keeps it with the object.

The text of a recipe that has an envelope key alone is that key, and "" where items are messages.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to read items; each part is "" where it is not needed.

    `unwrap` is the key of an envelope, `encoding` that of the text where it is neither UTF-8 nor
    marked. In tables `column` holds the messages and `received_at` their times.
    """

    unwrap: str = ""
    encoding: str = ""
    column: str = ""
    received_at: str = ""

    def to_text(self) -> str:
        """The recipe as the ledger keeps it."""
        parts = {name: value for name, value in asdict(self).items() if value}
        return self.unwrap if parts.keys() <= {"unwrap"} else json.dumps(parts)

    @classmethod
    def from_text(cls, text: str) -> Recipe:
        """Read the text of a recipe."""
        return cls(**json.loads(text)) if text.startswith("{") else cls(unwrap=text)
