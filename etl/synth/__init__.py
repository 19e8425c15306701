"""Synthetic payloads: realistic, seeded messages of every event type, and what is in them.

`write_synthetic` writes messages from the catalog alone; nothing here reads a payload of the real
world and nothing here is used by the loader.
"""

from etl.synth.dials import Dials
from etl.synth.write import Written, write_synthetic

__all__ = ["Dials", "Written", "write_synthetic"]
