"""Faults: what is put into messages on purpose, and the record of it.

Clean messages come from `stream`.
"""
