"""Makes every message fit its tables, and says exactly what had to be put aside to get there.

`gates` decides which messages fit as they are; `conformer` takes the others apart. Nothing here
reads files or knows tables' rows.
"""
