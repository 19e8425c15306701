"""Turns conforming messages into columns: parsed by a columnar parser, flattened without a loop
over messages. Knows nothing of files, findings' storage or the warehouse.
"""
