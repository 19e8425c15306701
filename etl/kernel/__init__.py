"""One pass over received bytes: checked, hashed, laid out as columns, counted.

`run(items, compiled)` is a pure function: bytes and offsets in; Arrow tables by table name with the
messages' numbers in their unit, outcomes, content hashes and counts out. No folder, clock, lock,
setting or database in here, so that the same kernel runs wherever bytes are.
"""
