"""What a loader of a home of either kind offers to the work that changes the home by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import duckdb

from etl.kernel.compiled import Compiled
from etl.landing.store import Landing
from etl.pipeline.records import Piece
from etl.pipeline.transaction import Transaction
from etl.settings import Settings
from etl.warehouse import ledger
from etl.warehouse.schema import Schema


class Writer(Protocol):
    """The one writer of a home; `etl.pipeline.load.Loader` says what each member does."""

    @property
    def settings(self) -> Settings: ...

    @property
    def compiled(self) -> Compiled: ...

    @property
    def schema(self) -> Schema: ...

    @property
    def landing(self) -> Landing: ...

    @property
    def clock(self) -> Callable[[], datetime]: ...

    def writing(self) -> AbstractContextManager[None]: ...

    def open(
        self, *, read_only: bool = False
    ) -> AbstractContextManager[duckdb.DuckDBPyConnection]: ...

    def begin(self, connection: duckdb.DuckDBPyConnection, *, kind: str) -> Transaction: ...

    def landed_rows(self, pieces: Sequence[Piece]) -> list[ledger.LandedRow]: ...
