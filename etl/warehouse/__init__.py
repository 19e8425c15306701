"""The DuckDB warehouse: opening and locking, tables, the one transaction of a load, rebuilding.

Only this package and `publish` speak SQL to the warehouse; nothing here parses payloads.
"""
