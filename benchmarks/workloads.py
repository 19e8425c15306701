"""The messages that are loaded: made by `redox-warehouse synth`, kept in a cache, cut and trimmed.

A workload is one NDJSON file; its folder is named by its dials and by a hash of the catalog and of
the generator, so that a change of either makes new files.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from models.catalog import read_catalog

PROJECT = Path(__file__).resolve().parent.parent
CLI = (sys.executable, "-c", "from etl.cli.main import main; main()")
GENERATE_TIMEOUT_S = 3600
# Keys of Meta that real messages carry and the pydantic package (2.0.0) no longer knows.
UNKNOWN_TO_PYDANTIC = ("Message", "Transmission", "Errors")


@dataclass(frozen=True, slots=True)
class Dials:
    """A kind of workload: its name, the options of synth, its only data model if there is one."""

    name: str
    options: tuple[str, ...]
    data_model: str = ""

    def with_options(self, name: str, *options: str) -> Dials:
        """The same kind with more options."""
        return Dials(f"{self.name}-{name}", (*self.options, *options), self.data_model)


# PatientAdmin messages at this density are about 4 KB, as real ones are.
ADT = Dials("adt", ("--model", "PatientAdmin", "--density", "1.35"), "PatientAdmin")
# Two messages in ten thousand are of two megabytes.
MIXED = Dials("mixed", ("--large", "0.0002"))
SMALL = Dials("small", ("--model", "PatientAdmin", "--density", "0.1"), "PatientAdmin")
# Eleven kinds of fault, together in about 1 % of messages.
DAMAGED = ("damaged", "--faults", "0.0009")
# The same kinds, in half of the messages: 1 - (1 - 0.061) ** 11.
HALF_DAMAGED = ("half-damaged", "--faults", "0.061")
EXTENDED = ("extended", "--set", "shares.extensions=1.0")


@dataclass(frozen=True, slots=True)
class Workload:
    """A file of messages, one per line, or a folder of files of one; `size_bytes` in all."""

    name: str
    file: Path
    messages: int
    size_bytes: int
    data_model: str


class Workloads:
    """Makes workloads and keeps them under one folder."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.key = _hash(_generator_files(), read_catalog(None).content_hash)

    def make(self, dials: Dials, messages: int, *, seed: int = 1) -> Workload:
        """The workload of these dials, generated unless it is there."""
        name = f"{dials.name}-{messages}-{seed}-"
        folder = self.cache / f"{name}{_hash((), self.key, dials.options)}"
        if not folder.exists():
            remove_older(self.cache, name)
            options = (*dials.options, "--messages", str(messages), "--seed", str(seed))
            options = (*options, "--replies", "documented")  # the messages of earlier figures
            _generate(folder, options)
        (file,) = folder.glob("*.ndjson")
        return _described(dials.name, file, dials.data_model)

    def first(self, workload: Workload, messages: int) -> Workload:
        """The first messages of a workload as one of its own."""
        file = workload.file.with_suffix(f".first-{messages}")
        if not file.exists():
            _write_lines(file, _first_lines(workload.file, messages))
        return _described(workload.name, file, workload.data_model)

    def one_by_one(self, workload: Workload, messages: int) -> Workload:
        """The first messages of a workload as a folder of files of one message each."""
        folder = workload.file.with_suffix(f".files-{messages}")
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            for number, line in enumerate(_first_lines(workload.file, messages)):
                (unfinished / f"{number:06}.json").write_bytes(line)
            unfinished.rename(folder)
        sizes = [path.stat().st_size for path in folder.iterdir()]
        return Workload(workload.name, folder, len(sizes), sum(sizes), workload.data_model)

    def scenarios(self, patients: int) -> Workload:
        """The folder of coherent messages of so many patients, written unless it is there."""
        name = f"scenarios-{patients}-"
        folder = self.cache / f"{name}{self.key}"
        if not folder.exists():
            remove_older(self.cache, name)
            _generate(folder, ("--scenarios", "--patients", str(patients)))
        facts = folder / "messages.json"  # not beside the files, which are loaded by their folders
        if not facts.exists():
            lines = (line for file in folder.glob("*/*.ndjson") for line in file.open("rb"))
            lengths = [len(line) for line in lines]
            facts.write_text(json.dumps([len(lengths), sum(lengths)]))
        return Workload("scenarios", folder, *json.loads(facts.read_text()), "")

    def for_pydantic(self, workload: Workload) -> Workload:
        """The workload without what the pydantic package would refuse in every message."""
        file = workload.file.with_suffix(f"{workload.file.suffix}.pydantic")
        if not file.exists():
            _write_lines(file, map(_without_unknown_meta, _first_lines(workload.file, 10**9)))
        return _described(workload.name, file, workload.data_model)


def _generate(folder: Path, options: Iterable[str]) -> None:
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    command = [*CLI, "synth", str(unfinished), *options]
    subprocess.run(
        command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL, timeout=GENERATE_TIMEOUT_S
    )
    unfinished.rename(folder)


def remove_older(cache: Path, name: str) -> None:
    """Remove what was made by another catalog, generator or loader under the same name."""
    for folder in cache.glob(f"{name}*"):
        shutil.rmtree(folder)


def _first_lines(file: Path, count: int) -> Iterator[bytes]:
    with file.open("rb") as lines:
        for _, line in zip(range(count), lines, strict=False):
            yield line


def _without_unknown_meta(line: bytes) -> bytes:
    message = orjson.loads(line)
    for key in UNKNOWN_TO_PYDANTIC:
        message["Meta"].pop(key, None)
    return orjson.dumps(message) + b"\n"


def _write_lines(file: Path, lines: Iterable[bytes]) -> None:
    unfinished = file.with_name(f"{file.name}.unfinished")
    with unfinished.open("wb") as out:
        out.writelines(lines)
    unfinished.rename(file)


def _described(name: str, file: Path, data_model: str) -> Workload:
    facts = file.with_name(f"{file.name}.facts")
    if not facts.exists():
        with file.open("rb") as lines:
            facts.write_text(json.dumps(sum(1 for _ in lines)))
    return Workload(name, file, json.loads(facts.read_text()), file.stat().st_size, data_model)


def _generator_files() -> Iterator[Path]:
    for path in sorted((PROJECT / "etl" / "synth").rglob("*")):
        if path.suffix in (".py", ".csv", ".toml"):
            yield path


def _hash(files: Iterable[Path], *facts: object) -> str:
    digest = hashlib.sha256(repr(facts).encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def hash_of_loader(workload: Workload) -> str:
    """Changes with anything that decides what a warehouse built from the workload holds."""
    sources = [*PROJECT.glob("models/**/*.py"), *PROJECT.glob("etl/warehouse/*.py")]
    return _hash(sorted(sources), read_catalog(None).content_hash, workload.file.parent.name)
