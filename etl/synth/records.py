"""Values that belong together: a patient, a provider, an address, a coded term.

A record pool is a set of columns of equal length; column names are paths below the object that
the record fills (`Demographics.Address.City`; `Identifiers.ID#1` is for the second element). The
holes of one record share the drawn number, so they always show the same line.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from etl.synth import wordlists
from etl.synth.clock import birth_dates
from etl.synth.pools import Pool, Pools, Value, encode, phone_text, plain_number, uuid_text
from models.catalog.records import Field, JsonType, NumberKind

Line: TypeAlias = dict[str, Value]

RELATIVES, PROVIDERS, ADDRESSES, PLACES, ORGANIZATIONS, CODES = 499, 251, 503, 211, 199, 397


class Columns:
    """The columns of one record pool, encoded once per JSON type."""

    def __init__(self, lines: list[Line]) -> None:
        shared = set.intersection(*(set(line) for line in lines))
        self._values = {name: [line[name] for line in lines] for name in sorted(shared)}
        self._encoded: dict[tuple[str, JsonType, NumberKind | None], Pool | None] = {}

    def names(self, path: str) -> tuple[str, ...]:
        """The columns for a path below the object: one, or one per ordinal, or none."""
        if path in self._values:
            return (path,)
        return tuple(name for name in self._values if name.rpartition("#")[0] == path)

    def pool(self, name: str, field: Field, *, allowed: AbstractSet[str]) -> Pool | None:
        """A column in the field's type; None where a value does not fit or is not allowed."""
        if allowed and not set(map(str, self._values[name])) <= allowed:
            return None
        key = (name, field.json_type, field.number_kind)
        if key not in self._encoded:
            encoded = [encode(value, field) for value in self._values[name]]
            complete = [value for value in encoded if value is not None]
            self._encoded[key] = complete if len(complete) == len(encoded) else None
        return self._encoded[key]


class Records:
    """All record pools of one run. `patients` is the number of patients of all sources."""

    def __init__(self, pools: Pools, *, patients: int) -> None:
        self._pools = pools
        self._patients = patients
        self._columns: dict[str, Columns] = {}

    def columns(self, group: str, domain: str) -> Columns:
        """The columns of a group; `domain` is the terminology of coded terms."""
        name = f"{group}.{domain}" if group in ("code", "observation", "dose") else group
        if name not in self._columns:
            self._columns[name] = self._draw(group, domain, self._pools.rng(f"record/{name}"))
        return self._columns[name]

    def _draw(self, group: str, domain: str, rng: random.Random) -> Columns:
        if group == "patient":
            births = birth_dates(rng, self._patients)
            return Columns([_patient(rng, births[n]) for n in range(self._patients)])
        if group in ("code", "observation", "dose"):
            terms = wordlists.terms(domain)
            return Columns([_term(rng, rng.choice(terms)) for _ in range(CODES)])
        count, draw = DRAWERS[group]
        return Columns([draw(rng) for _ in range(count)])


def _address(rng: random.Random, prefix: str = "") -> Line:
    place = rng.choice(wordlists.places())
    street = rng.choice(wordlists.words()["street"])
    return {
        f"{prefix}StreetAddress": f"{rng.randrange(1, 9999)} {street}",
        f"{prefix}City": place["city"],
        f"{prefix}State": place["state"],
        f"{prefix}ZIP": place["zip"],
        f"{prefix}County": place["county"],
        f"{prefix}Country": "US",
    }


def _first_name(rng: random.Random, sex: str) -> str:
    return rng.choice(wordlists.words()[f"first_{sex.lower()}"])


def _patient(rng: random.Random, birth_date: str) -> Line:
    sex = rng.choice(("Male", "Female"))
    words = wordlists.words()
    demographics: Line = {
        "FirstName": _first_name(rng, sex),
        "MiddleName": _first_name(rng, sex),
        "LastName": rng.choice(words["last_name"]),
        "DOB": birth_date,
        "SSN": f"9{rng.randrange(100):02d}-{rng.randrange(100):02d}-{rng.randrange(10**4):04d}",
        "Sex": sex,
        "Race": rng.choice(("White", "Asian", "Black or African American", "Other Race")),
        "MaritalStatus": rng.choice(("Single", "Married", "Divorced", "Widowed")),
        "Religion": rng.choice(words["religion"]),
        "Language": rng.choice(words["language"]),
        "IsHispanic": rng.random() < 0.2,
        "IsDeceased": rng.random() < 0.02,
        "EmailAddresses": f"synthetic.{rng.randrange(10**6)}@example.com",
        **{f"PhoneNumber.{use}": phone_text(rng) for use in ("Home", "Office", "Mobile")},
        **_address(rng, "Address."),
    }
    identifiers = (
        ("MR", f"{rng.randrange(10**9):010d}"),
        ("EHRID", uuid_text(rng)),
        ("SYN", f"SYN{rng.randrange(10**7):07d}"),
    )
    line = {f"Demographics.{name}": value for name, value in demographics.items()}
    for place, (id_type, text) in enumerate(identifiers):
        line[f"Identifiers.ID#{place}"] = text
        line[f"Identifiers.IDType#{place}"] = id_type
    return line


def _person(rng: random.Random) -> Line:
    sex = rng.choice(("Male", "Female"))
    return {
        "FirstName": _first_name(rng, sex),
        "MiddleName": _first_name(rng, sex),
        "LastName": rng.choice(wordlists.words()["last_name"]),
        "Sex": sex,
        "Demographics.Sex": sex,
        "PhoneNumber.Home": phone_text(rng),
    }


def _provider(rng: random.Random) -> Line:
    npi = f"99{rng.randrange(10**8):08d}"
    return {
        **_person(rng),
        "NPI": npi,
        "ID": npi,
        "IDType": "NPI",
        "Credentials": rng.choice(wordlists.words()["credential"]),
        "PhoneNumber.Office": phone_text(rng),
        **_address(rng, "Address."),
    }


def _place(rng: random.Random) -> Line:
    words = wordlists.words()
    facility = rng.choice(words["facility"])
    department = rng.choice(words["department"])
    return {
        "Type": rng.choice(words["location_type"]),
        "Facility": facility,
        "Department": department,
        "FacilityIdentifiers.ID": f"F{words['facility'].index(facility):03d}",
        "FacilityIdentifiers.IDType": "SYN",
        "DepartmentIdentifiers.ID": f"D{words['department'].index(department):03d}",
        "DepartmentIdentifiers.IDType": "SYN",
        "Room": str(rng.randrange(100, 600)),
        "Bed": rng.choice(words["bed"]),
    }


def _organization(rng: random.Random) -> Line:
    name = rng.choice(wordlists.words()["insurer"])
    return {
        "ID": str(rng.randrange(10**5, 10**6)),
        "IDType": "Payor ID",
        "Name": f"{name} {rng.randrange(1, 50)}",
        "PhoneNumber": phone_text(rng),
        **_address(rng, "Address."),
    }


def _insurance(rng: random.Random) -> Line:
    words = wordlists.words()
    return {
        "Plan.ID": str(rng.randrange(10**5, 10**6)),
        "Plan.IDType": "Payor ID",
        "Plan.Name": f"{rng.choice(words['insurer'])} {rng.choice(words['plan_type'])}",
        "Plan.Type": rng.choice(words["plan_type"]),
        "Company.Name": rng.choice(words["insurer"]),
        "GroupNumber": f"{rng.randrange(10**6)}-{rng.randrange(1000):03d}",
        "GroupName": rng.choice(words["employer"]),
        "PolicyNumber": str(rng.randrange(10**9, 10**10)),
        "MemberNumber": f"SYN{rng.randrange(10**8):08d}",
    }


def _identifier(rng: random.Random) -> Line:
    return {
        "ID": str(rng.randrange(10**6, 10**9)),
        "IDType": rng.choice(wordlists.words()["id_type"]),
    }


def _term(rng: random.Random, term: Mapping[str, str]) -> Line:
    line: Line = {
        "Code": term["code"],
        "Name": term["name"],
        "Description": term["name"],
        "Codeset": term["codeset"],
        "CodeSet": term["codeset"],
        "CodeSystem": term["code_system"],
        "CodeSystemName": term["codeset"],
    }
    if term["low"]:
        low, high = float(term["low"]), float(term["high"])
        value = plain_number(round(rng.uniform(0.8 * low, 1.2 * high), 1))
        line |= {"Value": value, "Quantity": value, "Units": term["units"], "ValueType": "Numeric"}
        bounds = {"Low": plain_number(low), "High": plain_number(high)}
        line |= bounds | {f"ReferenceRange.{name}": bound for name, bound in bounds.items()}
    return line


DRAWERS: dict[str, tuple[int, Callable[[random.Random], Line]]] = {
    "relative": (RELATIVES, _person),
    "provider": (PROVIDERS, _provider),
    "address": (ADDRESSES, _address),
    "place": (PLACES, _place),
    "organization": (ORGANIZATIONS, _organization),
    "insurance": (PLACES, _insurance),
    "identifier": (RELATIVES, _identifier),
}
