"""Registers a published version as Delta tables, one per table, over its Parquet files.

What may be done with which file is in `place`, the declared columns in `columns`, one table's commit
in `table`, and the table that maps our versions to those of the tables in `versions`. The order of
steps is `etl.pipeline.delta`. Needs the extra `delta`; nothing else imports this package.
"""
