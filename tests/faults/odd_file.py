"""One file of a thousand lines with everything that can be wrong with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class OddFile:
    """What was written: how many items, and which must be loaded or quarantined, by position."""

    path: Path
    items: int
    loaded: dict[int, bytes]
    quarantined: dict[int, str]


def adt(number: int, **sections: Any) -> dict[str, Any]:
    """A small PatientAdmin message, no two the same."""
    meta = {
        "DataModel": "PatientAdmin",
        "EventType": "Arrival",
        "EventDateTime": "2026-03-01T08:00:00.000Z",
        "Test": False,
        "Source": {"ID": "5a1f0c6e-0000-4000-8000-000000000001", "Name": "Synthetic EHR"},
        "Logs": [{"ID": f"00000000-0000-4000-8000-{number:012d}", "AttemptID": f"a{number}"}],
    }
    patient = {"Identifiers": [{"ID": f"SYN{number}", "IDType": "MR"}]}
    return {"Meta": meta, "Patient": patient, "Visit": {"VisitNumber": str(number)}} | sections


def dump(message: Any) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def write_odd_file(path: Path, *, big_bytes: int = 20 * 2**20) -> OddFile:
    """Write 1,000 items; the last one is cut off."""
    loaded: dict[int, bytes] = {}
    quarantined: dict[int, str] = {}
    lines: list[bytes] = []
    for number in range(1_000):
        make = ODDITIES.get(number)
        line, reason = make(number, big_bytes) if make else (dump(adt(number)), "")
        if reason:
            quarantined[number] = reason
        else:
            loaded[number] = line
        lines.append(line)
    body = b"".join(
        line + (b"\r\n" if number % 7 == 3 else b"\n") for number, line in enumerate(lines[:-1])
    )
    path.write_bytes(BOM + body + b"\n  \n" + lines[-1])
    return OddFile(path, len(lines), loaded, quarantined)


def _big(number: int, big_bytes: int) -> tuple[bytes, str]:
    return dump(adt(number, Visit={"Reason": "x" * big_bytes})), ""


def _many(number: int, _: int) -> tuple[bytes, str]:
    contacts = [{"FirstName": f"Synthetic{n}", "Roles": ["a", "b"]} for n in range(10_000)]
    return dump(adt(number, Patient={"Contacts": contacts})), ""


def _unlisted_many(number: int, _: int) -> tuple[bytes, str]:
    return dump(adt(number, Unlisted=[{"n": n} for n in range(10_000)])), ""


def _raw(text: bytes, reason: str) -> Any:
    return lambda *_: (text, reason)


def _changed(change: Any) -> Any:
    return lambda number, _: (dump(change(number)), "")


def _twice(number: int, _: int) -> tuple[bytes, str]:
    line = dump(adt(number))
    return line[:-1] + b',"Visit":{"VisitNumber":"again"}}', ""


def _bad_utf8(number: int, _: int) -> tuple[bytes, str]:
    return dump(adt(number)).replace(b"SYN", b"S\xff\xfeN"), "bad_utf8"


def _nan(number: int, _: int) -> tuple[bytes, str]:
    return dump(adt(number))[:-1] + b',"Extra":NaN}', "non_finite_number"


def _cut(number: int, _: int) -> tuple[bytes, str]:
    return dump(adt(number))[:-30], "truncated"


def _model(number: int, _: int) -> tuple[bytes, str]:
    message = adt(number)
    message["Meta"]["DataModel"] = "Astrology"
    return dump(message), "unknown_data_model"


def _event(number: int) -> dict[str, Any]:
    message = adt(number)
    message["Meta"]["EventType"] = "Teleport"
    return message


def _deep(number: int, _: int) -> tuple[bytes, str]:
    return dump(adt(number))[:-1] + b',"Deep":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "too_deep"


def _bom(number: int, _: int) -> tuple[bytes, str]:
    return BOM + dump(adt(number)), ""


ODDITIES: dict[int, Any] = {
    0: _cut,
    10: _bad_utf8,
    11: _nan,
    12: _twice,
    13: _raw(b"this is no JSON", "not_json"),
    14: _raw(b"[1, 2, 3]", "not_object"),
    15: _raw(b'"text"', "not_object"),
    16: _raw(b"{}", "no_meta"),
    17: _model,
    18: _changed(_event),
    19: _deep,
    20: _bom,
    30: _big,
    40: _many,
    41: _unlisted_many,
    50: _changed(lambda n: adt(n, Patient={"Identifiers": {"ID": f"S{n}", "IDType": "MR"}})),
    51: _changed(lambda n: adt(n, Visit=[{"VisitNumber": str(n)}])),
    52: _changed(lambda n: adt(n, Visit=[{"VisitNumber": str(n)}, {"VisitNumber": "b"}])),
    53: _changed(lambda n: adt(n, Visit={"VisitNumber": n, "Balance": "12.5", "Reason": True})),
    54: _changed(lambda n: adt(n, Visit="no object")),
    55: _changed(lambda n: adt(n, Patient={"Identifiers": [7, None, {}, {"ID": f"S{n}"}]})),
    56: _changed(lambda n: adt(n, Visit={"VisitNumber": str(n), "Odd key.with [marks]": {"a": 1}})),
    57: _changed(lambda n: adt(n, Patient={"Identifiers": [{"ID": "\ud83d", "IDType": "M\u0000R"}]})),
    58: _changed(lambda n: adt(n, Visit={"Balance": 1.23456789, "Duration": 2**70})),
    59: _changed(lambda n: adt(n, Visit={"VisitDateTime": "2026-02-30", "Instructions": [[1], "x"]})),
    60: _raw(b"{" + b'"a":1,' * 3, "truncated"),
    999: _cut,
}  # fmt: skip
