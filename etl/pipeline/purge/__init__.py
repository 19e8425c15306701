"""Purge: remove a patient, a source, a period or a message wherever the home holds it."""
