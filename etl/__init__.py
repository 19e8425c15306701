"""Verbs: what happens to what Redox sends. Imports `models`; `models` imports nothing of ours."""
