"""The webhook: Redox posts messages here and they wait in segments to be loaded.

A door: it knows HTTP, tokens and when a body is safe on disk. What a body means is decided at load;
the format of a segment lives in `etl.framing.segments`.
"""
