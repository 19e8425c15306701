"""Ingest: where bytes come from. Finds sources, opens them, unwraps envelopes; keeps nothing."""
