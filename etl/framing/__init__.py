"""Framing: where every item of a stream of bytes begins and ends. Stores nothing, opens nothing."""
