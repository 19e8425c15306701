"""Orders and their results: placed, changed, cancelled, reported in part, whole and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from etl.synth.scenarios import payload, times
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.lists import Line, grouped
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.results import Value, draw_values
from etl.synth.scenarios.senders import Provider
from etl.synth.scenarios.steps import Actor, Detail, Json, Row, Step
from etl.synth.scenarios.visits import Visit

PRIORITIES = ("Routine", "Routine", "Routine", "Stat", "ASAP")
PACE = {"Stat": 0.15, "ASAP": 0.4}
"""How much sooner urgent orders are collected and reported than routine ones."""


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order at one moment; `status` is what its newest message said."""

    status: str
    provider: Provider
    priority: str
    ordered_at: int | None = None
    collected_at: int | None = None
    result_status: str | None = None
    first_result_at: int | None = None


@dataclass(frozen=True, slots=True)
class ResultState:
    """One result as its newest report has it."""

    value: Value
    status: str
    collected_at: int
    resulted_at: int


class Order(Actor[OrderState]):
    """One order of a source. `visit` is where it was placed, None where nobody knows."""

    def __init__(self, case: Case, panel: tuple[Line, ...], visit: Visit | None) -> None:
        super().__init__()
        self.sender, self.panel, self.visit = case.sender, panel, visit
        self.number = case.sender.next_id("order")
        self.application_id = f"A{self.number}"

    def order_step(
        self, event_type: str, at: int, person: Person, state: OrderState, visit: Json
    ) -> Step:
        """A message of Order that leaves the order in a state."""
        order = self.head(state) | {"Status": state.status}
        body: Json = {"Order": order} | ({"Visit": visit} if visit else {})
        return Step(
            at, "Order", event_type, person, body, detail=Detail.NAME, outcomes=((self, state),)
        )

    def head(self, state: OrderState) -> Json:
        """What orders and results say alike of an order."""
        first = self.panel[0]
        head: Json = {
            "ID": self.number,
            "ApplicationOrderID": self.application_id,
            "Procedure": {
                "Code": first["order_code"],
                "Codeset": first["order_codeset"],
                "Description": first["order_name"],
            },
            "Provider": payload.ordering_provider(state.provider),
            "Priority": state.priority,
        }
        if state.ordered_at is not None:
            head["TransactionDateTime"] = times.text(state.ordered_at)
        if state.collected_at is not None:
            head["CollectionDateTime"] = times.text(state.collected_at)
        return head

    def row(self) -> Row:
        """The truth of this order."""
        state, first = self.state, self.panel[0]
        return {
            "source_id": self.sender.source_id,
            "source_name": self.sender.name,
            "order_id": self.number,
            "application_order_id": self.application_id,
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": encounter_id(self.visit),
            "source_order_code": first["order_code"],
            "description": first["order_name"],
            "status": state.status,
            "priority": state.priority,
            "ordered_at": state.ordered_at,
            "collected_at": state.collected_at,
            "practitioner_id": state.provider.npi,
            "result_status": state.result_status,
            "first_result_at": state.first_result_at,
        }


class Result(Actor[ResultState]):
    """One component of an order, and which of several with its code."""

    def __init__(self, order: Order, component: Line, repetition: int) -> None:
        super().__init__()
        self.sender, self.order = order.sender, order
        self.component, self.repetition = component, repetition

    def body(self, state: ResultState, *, says_status: bool) -> Json:
        """One element of Orders[].Results[]."""
        component, value = self.component, state.value
        body: Json = {
            "Code": component["code"],
            "Codeset": "LOINC",
            "Description": component["name"],
            "Value": value.text,
            "ValueType": component["value_type"],
            "CompletionDateTime": times.text(state.resulted_at),
        }
        if component["units"]:
            body["Units"] = component["units"]
        if value.flag:
            body["AbnormalFlag"] = value.flag
        limits = {"Low": component["low"], "High": component["high"]}
        if any(limits.values()):
            body["ReferenceRange"] = {
                name: _number(limit) for name, limit in limits.items() if limit
            }
        if says_status:
            body["Status"] = state.status
        return body

    def row(self) -> Row:
        """The truth of this result."""
        state, component, value = self.state, self.component, self.state.value
        return {
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "accession_number": self.order.number,
            "source_component_code": component["code"],
            "repetition": self.repetition,
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": encounter_id(self.order.visit),
            "source_order_code": component["order_code"],
            "source_order_description": component["order_name"],
            "source_component_description": component["name"],
            "result": value.text,
            "result_number": value.number,
            "comparator": value.comparator,
            "units": component["units"] or None,
            "normal_range_low": component["low"] or None,
            "normal_range_high": component["high"] or None,
            "abnormal_flag": value.flag,
            "status": state.status,
            "collected_at": state.collected_at,
            "resulted_at": state.resulted_at,
        }


def encounter_id(visit: Visit | None) -> str | None:
    """The encounter that a row may refer to: one that some message of PatientAdmin told of."""
    return visit.encounter_id if visit and visit.is_known else None


def _number(text: str) -> int | float:
    return int(text) if text.isdigit() else float(text)


def laboratory_order(case: Case, person: Person, after: int) -> Iterator[Step]:
    """From the order to its last report; one of sixteen is cancelled before anything is measured."""
    visit, at = case.visit_and_time(0.6, after)
    order, state = _place_order(case, visit, at)
    visit_body: Json = {"VisitNumber": visit.number} if visit else {}
    yield order.order_step("New", at, person, state, visit_body)
    if case.rng.random() < 0.12:
        at = case.instants.after(at, 0.1, 2)
        state = replace(state, status="Update", priority="Stat")
        yield order.order_step("Update", at, person, state, visit_body)
    if case.rng.random() < 1 / 16:
        at = case.instants.after(at, 0.1, 6)
        yield order.order_step("Cancel", at, person, replace(state, status="Cancel"), visit_body)
        return
    pace = PACE.get(state.priority, 1.0)
    at = case.instants.after(at, 0.3 * pace, 6 * pace)
    yield from _reports(case, person, order, replace(state, collected_at=at), visit_body)


def unsolicited_result(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Results whose order was never sent."""
    at = case.any_time(after)
    order, state = _place_order(case, None, at)
    state = replace(state, ordered_at=None, collected_at=case.instants.after(at, 0.1, 3))
    yield from _reports(case, person, order, state, {}, event_type="NewUnsolicited")


def _place_order(case: Case, visit: Visit | None, at: int) -> tuple[Order, OrderState]:
    order = Order(case, case.rng.choice(grouped("panels", "order_code")), visit)
    case.actors.append(order)
    priority = case.rng.choice(PRIORITIES)
    return order, OrderState("New", case.provider(), priority, ordered_at=at)


@dataclass(slots=True)
class _Report:
    """The reports of one order: the state of each result, and how this laboratory writes them."""

    order: Order
    results: dict[Result, ResultState]
    visit: Json
    event_type: str
    says_status: bool

    def set(self, results: list[Result], status: str, at: int) -> None:
        """Give results a status and a time."""
        for result in results:
            self.results[result] = replace(self.results[result], status=status, resulted_at=at)

    def step(self, at: int, person: Person, state: OrderState, results: list[Result]) -> Step:
        """A message of Results with some of the results."""
        reported = self.order.head(state) | {
            "Status": "Resulted",
            "ResultsStatus": state.result_status,
            "CompletionDateTime": times.text(at),
            "Results": [
                result.body(self.results[result], says_status=self.says_status)
                for result in results
            ],
        }
        body: Json = {"Orders": [reported]} | ({"Visit": self.visit} if self.visit else {})
        outcomes = tuple((result, self.results[result]) for result in results)
        return Step(
            at, "Results", self.event_type, person, body, detail=Detail.NAME,
            outcomes=((self.order, state), *outcomes),
        )  # fmt: skip


def _reports(
    case: Case,
    person: Person,
    order: Order,
    state: OrderState,
    visit: Json,
    *,
    event_type: str = "New",
) -> Iterator[Step]:
    """A preliminary report of a part (some), the final one, and a later one of a part (few)."""
    rng = case.rng
    collected_at = state.collected_at or case.begin
    pace = PACE.get(state.priority, 1.0)
    at = case.instants.after(collected_at, 0.5 * pace, 20 * pace)
    state = replace(state, status="Resulted", first_result_at=at)
    first = _first_results(case, order, collected_at, at)
    report = _Report(order, first, visit, event_type, says_status=rng.random() < 0.6)
    everything = list(first)
    if rng.random() < 0.3:
        state = replace(state, result_status="Preliminary")
        early = everything[: max(1, len(everything) // 2)]
        report.set(early, "Preliminary", at)
        yield report.step(at, person, state, early)
        at = case.instants.after(at, 1, 24)
    state = replace(state, result_status="Final")
    report.set(everything, "Final", at)
    yield report.step(at, person, state, everything)
    if rng.random() < 0.1:
        at = case.instants.after(at, 2, 60)
        yield _late_report(case, person, report, at, replace(state, result_status="Corrected"))


def _first_results(
    case: Case, order: Order, collected_at: int, at: int
) -> dict[Result, ResultState]:
    """The results of a panel with their values."""
    results: dict[Result, ResultState] = {}
    for component in order.panel:
        for place, value in enumerate(draw_values(case.rng, component), start=1):
            result = Result(order, component, place)
            case.actors.append(result)
            results[result] = ResultState(value, "Preliminary", collected_at, at)
    return results


def _late_report(case: Case, person: Person, report: _Report, at: int, state: OrderState) -> Step:
    """One component is measured again, or deleted; the others keep what they have."""
    corrected = case.rng.choice([result for result in report.results if result.repetition == 1])
    status = case.rng.choice(("Corrected", "Corrected", "Corrected", "Deleted"))
    report.set([corrected], status, at)
    report.says_status = True
    if status == "Corrected":
        value = draw_values(case.rng, corrected.component)[0]
        report.results[corrected] = replace(report.results[corrected], value=value)
    return report.step(at, person, state, [corrected])
