"""A warehouse of a release before gets new tables of fixed shape, because their digest changes."""

import hashlib

from etl.warehouse.schema import FIXED_DIGEST
from models.tables.fixed import FIXED


def test_digest_is_that_of_the_tables() -> None:
    """After a change of models/tables/fixed.py, write this digest into etl/warehouse/schema.py."""
    told = [
        (str(table), table.comment, [(c.name, str(c.type.compile()), c.comment) for c in table.c])
        for table in FIXED.sorted_tables
    ]
    assert hashlib.sha256(repr(told).encode()).hexdigest()[:16] == FIXED_DIGEST
