"""Charges and credits, claims and what payers pay for their lines. Amounts add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from etl.synth.scenarios import payload, times
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.lists import Line, code_system, lines_of
from etl.synth.scenarios.medications import visit_body
from etl.synth.scenarios.orders import encounter_id
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.senders import Provider
from etl.synth.scenarios.steps import Actor, Detail, Json, Row, Step
from etl.synth.scenarios.visits import Diagnosis, Visit, coded, diagnosis_body

ALLOWED, COINSURANCE = Decimal("0.72"), Decimal("0.80")
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ChargeState:
    """What was charged and taken back so far."""

    charged: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)


class Charge(Actor[ChargeState]):
    """One transaction id: a charge, and a credit under the same id that takes it back."""

    def __init__(self, case: Case, line: Line, *, quantity: int, visit: Visit, at: int) -> None:
        super().__init__()
        self.sender, self.line, self.visit = case.sender, line, visit
        self.quantity, self.served_at = quantity, at
        self.provider: Provider = case.provider()
        self.number = case.sender.next_id("charge")
        self.amount = quantity * Decimal(line["price"])

    def step(self, kind: str, at: int, person: Person, state: ChargeState) -> Step:
        """A message of Financial with one transaction of this kind."""
        line = self.line
        code = {
            "Code": line["code"],
            "Codeset": line["codeset"],
            "Description": line["description"],
        }
        transaction = {
            "ID": self.number,
            "Type": kind,
            "DateTimeOfService": times.text(self.served_at),
            "Chargeable": {**code, "Quantity": str(self.quantity), "Amount": float(self.amount)},
            "Procedure": code,
            "Performers": [payload.provider(self.provider)],
        }
        if self.amount == int(self.amount):
            transaction["Chargeable"]["Amount"] = int(self.amount)  # type: ignore[index]
        body: Json = {"Transactions": [transaction]} | visit_body(self.visit)
        return Step(
            at, "Financial", "Transaction", person, body, detail=Detail.NAME,
            outcomes=((self, state),),
        )  # fmt: skip

    def row(self) -> Row:
        """The truth of this charge."""
        state = self.state
        return {
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "charge_id": self.number,
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": encounter_id(self.visit),
            "source_code_type": code_system(self.line["codeset"])["name"],
            "source_code": self.line["code"],
            "source_description": self.line["description"],
            "service_at": self.served_at,
            "quantity": self.quantity,
            "charged_amount": money(state.charged),
            "credited_amount": money(state.credited),
            "net_amount": money(state.charged - state.credited),
            "practitioner_id": self.provider.npi,
        }


@dataclass(frozen=True, slots=True)
class ClaimState:
    """A claim line at one moment: amounts are None until a payer has decided."""

    allowed: Decimal | None = None
    paid: Decimal | None = None


class ClaimLine(Actor[ClaimState]):
    """One line of a claim."""

    def __init__(self, claim: Claim, line: Line, number: int) -> None:
        super().__init__()
        self.claim, self.line, self.number = claim, line, str(number)
        self.charged = Decimal(line["price"])

    def row(self) -> Row:
        """The truth of this line."""
        claim, state = self.claim, self.state
        return {
            "data_source": claim.case.sender.source_id,
            "source_name": claim.case.sender.name,
            "claim_id": claim.number,
            "claim_line_number": self.number,
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": encounter_id(claim.visit),
            "source_code_type": code_system(self.line["codeset"])["name"],
            "source_code": self.line["code"],
            "service_at": claim.served_at,
            "charged_amount": money(self.charged),
            "allowed_amount": money(state.allowed),
            "paid_amount": money(state.paid),
        }


class BilledDiagnosis(Actor[None]):
    """A diagnosis that a claim names."""

    def __init__(self, claim: Claim, diagnosis: Diagnosis) -> None:
        super().__init__()
        self.claim, self.diagnosis = claim, diagnosis

    def row(self) -> Row:
        """The truth of this diagnosis, in the columns of those of visits."""
        return {
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": encounter_id(self.claim.visit),
            "condition_type": "billing",
            **coded(self.diagnosis.line, "ICD-10"),
            "data_source": self.claim.case.sender.source_id,
            "source_name": self.claim.case.sender.name,
            "status": None,
            "onset_at": None,
            "resolved_at": None,
            "is_on_latest_list": None,
        }


class Claim:
    """A claim of one visit: its lines, its diagnoses, its messages."""

    def __init__(self, case: Case, visit: Visit, served_at: int) -> None:
        self.case, self.visit, self.served_at = case, visit, served_at
        self.number = case.sender.next_id("claim")
        listed = lines_of("charges", "patient_class", "Outpatient")
        chosen = case.rng.sample(listed, case.rng.randint(1, 3))
        self.lines = [ClaimLine(self, line, place) for place, line in enumerate(chosen, start=1)]
        self.diagnoses = [BilledDiagnosis(self, diagnosis) for diagnosis in visit.diagnoses]

    def submission(self, at: int, person: Person) -> Step:
        """The claim as sent to the payer."""
        total = sum((line.charged for line in self.lines), Decimal(0))
        claim = {
            "ID": self.number,
            "TotalAmount": money(total),
            "Visit": {"VisitNumber": self.visit.number, "DateTime": times.text(self.served_at)},
            "Diagnoses": [diagnosis_body(one.diagnosis.line) for one in self.diagnoses],
            "Lines": [
                {
                    "ID": line.number,
                    "Amount": money(line.charged),
                    "UnitCount": "1",
                    "Procedure": _procedure(line),
                    "ServiceDateTime": times.text(self.served_at),
                }
                for line in self.lines
            ],
        }
        outcomes: list[tuple[Actor[Any], Any]] = [(line, ClaimState()) for line in self.lines]
        outcomes += [(one, None) for one in self.diagnoses]
        return Step(
            at, "Claim", "Submission", person, {"Claims": [claim]}, detail=Detail.NAME,
            outcomes=tuple(outcomes),
        )  # fmt: skip

    def payment(self, at: int, person: Person, share: Decimal) -> Step:
        """What the payer decided, for all lines."""
        states = {line: _decided(line, share) for line in self.lines}
        paid = sum((state.paid or Decimal(0) for state in states.values()), Decimal(0))
        charged = sum((line.charged for line in self.lines), Decimal(0))
        claim = {
            "SubmissionNumber": self.number,
            "Number": f"P{self.number}",
            "Status": "Processed as Primary",
            "ChargedAmount": money(charged),
            "PaymentAmount": money(paid),
            "Services": [_service(line, state) for line, state in states.items()],
        }
        body: Json = {
            "Payer": {"ID": "SYN01", "Name": "Synthetic Health Plan"},
            "Transaction": {"TotalPaymentAmount": money(paid), "CreditOrDebit": "Credit"},
            "Payments": [{"DateTime": times.text(at), "Claim": claim}],
        }
        return Step(
            at, "Claim", "Payment", person, body, detail=Detail.NAME, place="Payments[].Patient",
            outcomes=tuple(states.items()),
        )  # fmt: skip


def _decided(line: ClaimLine, share: Decimal) -> ClaimState:
    allowed = (line.charged * ALLOWED).quantize(CENT)
    return ClaimState(allowed, (allowed * share).quantize(CENT))


def _service(line: ClaimLine, state: ClaimState) -> Json:
    return {
        "ChargedAmount": money(line.charged),
        "AllowedAmount": money(state.allowed),
        "PaymentAmount": money(state.paid),
        "SubmittedProcedure": _procedure(line),
        "ReferenceNumbers": [{"ID": line.number, "IDType": "Line Item Control Number"}],
    }


def _procedure(line: ClaimLine) -> Json:
    return {
        "Code": line.line["code"],
        "CodeSet": line.line["codeset"],
        "Name": line.line["description"],
    }


def money(amount: Decimal | None) -> str | None:
    """An amount as text with two digits behind the point."""
    return None if amount is None else str(amount.quantize(CENT))


def charge(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A charge for something done in a visit; one of eight is taken back."""
    visit, at = case.visit_and_time(1, after)
    if visit is None:
        return
    listed = lines_of("charges", "patient_class", case.rng.choice(("Outpatient", "Inpatient")))
    quantity = case.rng.choice((1, 1, 1, 2, 3))
    one = Charge(case, case.rng.choice(listed), quantity=quantity, visit=visit, at=at)
    case.actors.append(one)
    at = case.instants.after(at, 2, 30)
    state = ChargeState(charged=one.amount)
    yield one.step("Charge", at, person, state)
    if case.rng.random() < 1 / 8:
        at = case.instants.after(at, 10, 90)
        yield one.step("Credit", at, person, replace(state, credited=one.amount))


def claim(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A claim, mostly its payment, and now and then another decision that replaces it."""
    visit, at = case.visit_and_time(1, after)
    if visit is None:
        return
    one = Claim(case, visit, at)
    case.actors += [*one.lines, *one.diagnoses]
    at = case.instants.after(at, 20, 90)
    yield one.submission(at, person)
    if case.rng.random() < 0.75:
        at = case.instants.after(at, 48, 240)
        yield one.payment(at, person, COINSURANCE)
        if case.rng.random() < 0.15:
            at = case.instants.after(at, 24, 120)
            yield one.payment(at, person, case.rng.choice((Decimal(0), Decimal("0.9"))))
