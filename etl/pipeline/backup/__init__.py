"""Backup and restore of a home: consistent while loads run, incremental by content."""
