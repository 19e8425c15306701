"""Makes every message fit its tables, and says exactly what was left unplaced to get there.

The kernel's reader decides which messages fit as they are; `conformer` takes the others apart.
Nothing here reads files or knows tables' rows.
"""
