"""Compiles the kernel's reader; packs sql/ into the wheel, inside etl/; packs equal bytes each time.

All else is in pyproject.toml. Two builds of the same sources with the same tools give the same
wheel and the same source distribution, whatever the folder, the clock and the umask: `MADE_AT`
(or SOURCE_DATE_EPOCH) is the time of every packed file, rights are set, folders left out.

A checkout, editable installs included, reads it where it is (`etl.report.views.sql_folder`).
"""

from __future__ import annotations

import gzip
import os
import shlex
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist
from setuptools.errors import CCompilerError, ExecError, PlatformError

SQL = Path("sql")
PACKED = Path("etl", "sql")
MADE_AT = (
    1_767_225_600  # 2026-01-01T00:00:00Z: a fixed time, as an archive of sources has no commit
)
PROGRAM, FILE = 0o755, 0o644

os.environ.setdefault("SOURCE_DATE_EPOCH", str(MADE_AT))  # read by setuptools where it zips


class BuildWithFiles(build_py):
    """Copies the SQL files beside the modules that read them, into an empty folder.

    What an earlier build left there, modules that are removed since for instance, would be packed.
    """

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
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
    """Compiles the reader; without a C compiler it says what to install.

    What debuggers read names files below the folder of the sources, not that folder. For a wheel
    it compiles again whatever an earlier build left.
    """

    def finalize_options(self) -> None:
        super().finalize_options()
        self.force = self.force or not self.inplace

    def build_extension(self, ext: Extension) -> None:
        ext.extra_compile_args.append(f"-ffile-prefix-map={Path.cwd()}=.")
        try:
            super().build_extension(ext)
        except (CCompilerError, ExecError, PlatformError) as error:
            raise SystemExit(
                "redox-warehouse needs a C compiler and the Python headers to be built from "
                "source; install them (Debian: apt-get install gcc python3-dev) and try again. "
                f"The compiler said: {error}"
            ) from None


class SameWheel(bdist_wheel):
    """Packs files with the same rights whatever the umask of the checkout and of the build."""

    def write_wheelfile(self, *given: Any, **named: Any) -> None:
        super().write_wheelfile(*given, **named)
        for path in Path(self.bdist_dir).rglob("*"):
            if path.is_file():
                path.chmod(_rights(path.name))


class SameSources(sdist):
    """Packs sources by name, with one time, no owner, and the same rights."""

    def make_archive(self, base_name: str, format: str, *given: Any, **named: Any) -> str:
        if format != "gztar":
            return super().make_archive(base_name, format, *given, **named)
        name, root = f"{base_name}.tar.gz", Path(named["base_dir"])
        with (
            Path(name).open("wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path in sorted(path for path in root.rglob("*") if path.is_file()):
                archive.add(path, filter=_without_origin)
        return name


def _without_origin(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = int(os.environ["SOURCE_DATE_EPOCH"])
    member.mode = _rights(member.name)
    return member


def _rights(name: str) -> int:
    return PROGRAM if name.endswith(".so") else FILE


READER = Extension(
    "etl.kernel._reader",
    ["etl/kernel/_reader.pyx"],
    extra_compile_args=["-O3", *shlex.split(os.environ.get("READER_CFLAGS", ""))],
    extra_link_args=shlex.split(os.environ.get("READER_LDFLAGS", "")),
)

setup(
    cmdclass={
        "build_py": BuildWithFiles,
        "build_ext": BuildReader,
        "bdist_wheel": SameWheel,
        "sdist": SameSources,
    },
    ext_modules=[READER],
)
