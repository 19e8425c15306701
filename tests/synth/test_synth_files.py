"""How synthetic messages stand in files: formats, compression, envelopes, sizes, the command."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
import pyzstd
from click.testing import CliRunner

from etl.cli.synth import synth
from etl.errors import UsageFault
from etl.synth import Dials, write_synthetic
from etl.synth.dials import Compression, Format, Output, Override, Replies, Shares, SourceDial
from etl.synth.profile import read_dials
from models.catalog import Catalog
from tests.reference.json_text import Object, parse
from tests.reference.leaves import leaves
from tests.reference.payload_files import items
from tests.reference.population import count_paths


def make_dials(**changes: Any) -> Dials:
    return Dials(**({"messages": 30, "data_models": ("Scheduling",)} | changes))


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("output_format", Format)
def test_every_format_holds_the_same_messages(
    catalog: Catalog, tmp_path: Path, output_format: Format, compression: Compression
) -> None:
    plain = write_synthetic(tmp_path / "plain", catalog=catalog, dials=make_dials())
    output = Output(format=output_format, compression=compression, files=3)
    dials = make_dials(output=output)
    written = write_synthetic(tmp_path / "out", catalog=catalog, dials=dials)
    read = {"gz": lambda p: gzip.decompress(p.read_bytes()),
            "zst": lambda p: pyzstd.decompress(p.read_bytes()),
            "": lambda p: p.read_bytes()}[compression]  # fmt: skip
    assert len(written.files) == (30 if output_format is Format.SINGLE else 3)
    payloads = [item.payload for item in items(written.files, read=read)]
    assert payloads == [item.payload for item in items(plain.files)]


@pytest.mark.parametrize("is_text", [False, True])
def test_envelope_holds_message_and_arrival(
    catalog: Catalog, tmp_path: Path, is_text: bool
) -> None:
    plain = write_synthetic(tmp_path / "plain", catalog=catalog, dials=make_dials())
    output = Output(envelope="body", envelope_text=is_text)
    written = write_synthetic(tmp_path / "out", catalog=catalog, dials=make_dials(output=output))
    rows = [json.loads(line) for line in written.files[0].read_bytes().splitlines()]
    bodies = [json.loads(row["body"]) if is_text else row["body"] for row in rows]
    assert bodies == [json.loads(line) for line in plain.files[0].read_bytes().splitlines()]
    assert all(row["received_at"].endswith("Z") for row in rows)


def test_bom_crlf_and_blank_lines_stand_between_messages(catalog: Catalog, tmp_path: Path) -> None:
    output = Output(bom=True, crlf=True, blank_lines=0.5)
    written = write_synthetic(tmp_path / "out", catalog=catalog, dials=make_dials(output=output))
    data = written.files[0].read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n\r\n") > 3
    assert sum(item.is_message for item in items(written.files)) == 30


def test_large_messages_have_about_the_size_asked_for(catalog: Catalog, tmp_path: Path) -> None:
    dials = make_dials(messages=20, large_bytes=300_000, shares=Shares(large=1.0))
    written = write_synthetic(tmp_path / "out", catalog=catalog, dials=dials)
    sizes = [len(line) for line in written.files[0].read_bytes().splitlines()]
    assert all(300_000 <= size < 330_000 for size in sizes)


def test_long_arrays_have_the_length_asked_for(catalog: Catalog, tmp_path: Path) -> None:
    dials = make_dials(messages=10, long_array=500, shares=Shares(long_arrays=1.0))
    written = write_synthetic(tmp_path / "out", catalog=catalog, dials=dials)
    for item in items(written.files):
        assert max(max(leaf.ordinals, default=0) for leaf in leaves(item.payload)) == 500


def test_all_fields_filled_means_all_listed_fields(catalog: Catalog, tmp_path: Path) -> None:
    dials = make_dials(messages=10, overrides=(Override("*", 1.0),), replies=Replies.DOCUMENTED)
    written = write_synthetic(tmp_path / "out", catalog=catalog, dials=dials)
    for item in items(written.files):
        assert isinstance(item.payload, Object)
        event = item.payload.get("Meta", "EventType")
        listed = {f.path for f in catalog.fields["Scheduling"] if event in f.event_types}
        assert set(count_paths(item.payload)) == listed


def test_command_writes_what_its_options_say(tmp_path: Path) -> None:
    out, truth = tmp_path / "out", tmp_path / "truth"
    arguments = (
        f"{out} -n 25 --model Notes --sources 2 --days 5 --faults 0.2 --truth {truth} --json"
    )
    result = CliRunner().invoke(synth, arguments.split(), catch_exceptions=False)
    assert json.loads(result.output)["messages"] == 25
    lines = [json.loads(line) for line in (truth / "messages.jsonl").read_text().splitlines()]
    assert len({line["source_id"] for line in lines}) == 2
    assert len({line["event_at"][:10] for line in lines}) == 5
    assert any(line["planted"] for line in lines)


def test_profile_is_read_and_options_win(tmp_path: Path) -> None:
    profile = tmp_path / "feed.toml"
    profile.write_text(
        "messages = 7\ndays = 3\n[[sources]]\nname = 'A'\n[shares]\nmisfits = 0.5\n"
        "[[overrides]]\npath = 'Visit.Reason'\nrate = 0.0\nfirst_day = 2\n"
    )
    dials = read_dials(profile, options={"days": 9, "seed": None}, settings=["shares.large=0.25"])
    assert (dials.messages, dials.days, dials.seed) == (7, 9, 1)
    assert (dials.shares.misfits, dials.shares.large) == (0.5, 0.25)
    assert dials.overrides == (Override("Visit.Reason", 0.0, first_day=2),)


def test_all_faults_of_a_profile_are_told_at_once() -> None:
    with pytest.raises(UsageFault) as caught:
        read_dials(None, options={"shares.misfits": 2, "colour": "red", "days": 0})
    assert all(name in str(caught.value) for name in ("shares.misfits", "colour", "days"))


def test_folder_with_files_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(UsageFault, match="not empty"):
        write_synthetic(tmp_path, catalog=catalog, dials=make_dials())


def test_truth_among_the_messages_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="outside of it"):
        write_synthetic(tmp_path, catalog=catalog, dials=make_dials(), truth=tmp_path / "truth")


def test_names_outside_the_catalog_are_refused(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="Nonsense"):
        write_synthetic(tmp_path, catalog=catalog, dials=make_dials(data_models=("Nonsense",)))


def test_reference_reads_numbers_and_repeated_keys_exactly() -> None:
    payload = parse(b'{"a": 1.10, "a": 2e1, "b.c[]": 12345678901234567890}')
    assert isinstance(payload, Object)
    assert [key for key, _ in payload.pairs] == ["a", "a", "b.c[]"]
    assert str(payload.get("a").value) == "2E+1"  # type: ignore[union-attr]


def test_documentation_names_every_dial() -> None:
    text = Path("docs/synth.md").read_text("utf-8")
    records = (Dials, Output, Override, Shares, SourceDial)
    named = set(re.findall(r"`([a-z_]+)`", text))
    missing = {name for record in records for name in record.__dataclass_fields__} - named
    assert not missing


def test_example_profile_is_valid() -> None:
    profile = Path("etl/synth/data/feed.toml")
    assert len(read_dials(profile, options={}).sources) == 3
