"""Publishing: immutable versions of the warehouse that analysts and BI tools read.

Takes an open connection, folders and views as arguments; when to publish, under which lock and
with which views is known by `etl.pipeline.publish`. Nothing here writes to the warehouse.
"""
