"""Compiles the kernel's reader; packs sql/ into the wheel, inside etl/.

All else is in pyproject.toml.

A checkout, editable installs included, reads it where it is (`etl.report.views.sql_folder`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import CCompilerError, ExecError, PlatformError

SQL = Path("sql")
PACKED = Path("etl", "sql")


class BuildWithFiles(build_py):
    """Copies the SQL files beside the modules that read them."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for source, target in self._files():
                self.mkpath(str(target.parent))
                self.copy_file(str(source), str(target))

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *(str(source) for source, _ in self._files())]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        own = super().get_outputs(include_bytecode)
        return [*own, *(str(target) for _, target in self._files())]

    def _files(self) -> Iterator[tuple[Path, Path]]:
        for source in sorted(SQL.rglob("*.sql")):
            yield source, Path(self.build_lib, PACKED, source.relative_to(SQL))


class BuildReader(build_ext):
    """Compiles the reader; without a C compiler it says what to install."""

    def build_extension(self, ext: Extension) -> None:
        try:
            super().build_extension(ext)
        except (CCompilerError, ExecError, PlatformError) as error:
            raise SystemExit(
                "redox-warehouse needs a C compiler and the Python headers to be built from "
                "source; install them (Debian: apt-get install gcc python3-dev) and try again. "
                f"The compiler said: {error}"
            ) from None


READER = Extension(
    "etl.kernel._reader",
    ["etl/kernel/_reader.pyx"],
    extra_compile_args=["-O3", *shlex.split(os.environ.get("READER_CFLAGS", ""))],
    extra_link_args=shlex.split(os.environ.get("READER_LDFLAGS", "")),
)

setup(
    cmdclass={"build_py": BuildWithFiles, "build_ext": BuildReader},
    ext_modules=[READER],
)
