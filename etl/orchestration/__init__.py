"""Dagster's door: assets, checks, jobs, schedules and the sensor, a thin skin over `etl.pipeline`.

What a step does lives in `etl.pipeline`; here is what the graph shows of it.
"""
