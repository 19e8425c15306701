"""What the driver of a lake offers to the changes that it makes: so they need not know the driver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import duckdb

from etl.kernel.run import UnitResult
from etl.lake.pending import Pending
from etl.lake.work import NumberedUnit, PlacedUnit, UnitPlan
from etl.pipeline.units import Unit
from etl.pipeline.writer import Writer
from etl.warehouse.lake import HeldFile, Kind, LakeFile, LakeFolder, LakeVersion


class LakeWriter(Writer, Protocol):
    """The one writer of a lake; `etl.lake.driver.LakeLoader` says what each member does."""

    @property
    def lake(self) -> LakeFolder: ...

    def identify(self, units: Sequence[Unit], plans: Sequence[UnitPlan]) -> list[UnitResult]: ...

    def write(
        self, units: Sequence[Unit], own: Sequence[NumberedUnit | PlacedUnit]
    ) -> list[LakeFile]: ...

    def held(self, connection: duckdb.DuckDBPyConnection) -> list[HeldFile]: ...

    def new_version(
        self,
        connection: duckdb.DuckDBPyConnection,
        kind: Kind,
        pending: Pending,
        files: Sequence[LakeFile],
        *,
        dropped: Iterable[str] = (),
    ) -> LakeVersion: ...

    def put(self, connection: duckdb.DuckDBPyConnection, version: LakeVersion) -> bool: ...
