"""Packs sql/ into the wheel as etl/sql. All else about the package stands in pyproject.toml.

A checkout, editable installs included, reads sql/ where it stands (`etl.report.views.sql_folder`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SQL = Path("sql")
PACKED = Path("etl", "sql")


class BuildWithSql(build_py):
    """Copies the SQL files beside the modules that read them."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for source, target in self._sql_files():
                self.mkpath(str(target.parent))
                self.copy_file(str(source), str(target))

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *(str(source) for source, _ in self._sql_files())]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        own = super().get_outputs(include_bytecode)
        return [*own, *(str(target) for _, target in self._sql_files())]

    def _sql_files(self) -> Iterator[tuple[Path, Path]]:
        for source in sorted(SQL.rglob("*.sql")):
            yield source, Path(self.build_lib, PACKED, source.relative_to(SQL))


setup(cmdclass={"build_py": BuildWithSql})
