"""Asks what is missing, several requests at once, and keeps every reply as it comes.

A failed request is counted and left for the next pull. Faults that every request would meet (the
login refused, the disk full, no answer to many requests in a row) stop the pull.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence

from etl.errors import PermanentError, TransientError
from etl.pull.client import RedoxClient, ReplyFacts, make_limiter, open_client, read_facts
from etl.pull.journal import Journal
from etl.pull.records import Answer, KeptReply, PullSummary, Request
from etl.sections import PullSettings

_REFUSED_FROM_THE_START = 50
"""So many refusals and no reply at all mean that the call is wrong, not single requests."""


def list_missing(
    requests: Sequence[Request], answered: Mapping[str, int], *, retry_errors: bool
) -> list[Request]:
    """The requests without a reply; with `retry_errors` also those whose reply listed errors."""
    return [
        request
        for request in requests
        if request.key not in answered or (retry_errors and answered[request.key] > 0)
    ]


def run_pull(
    requests: Sequence[Request],
    *,
    journal: Journal,
    settings: PullSettings,
    retry_errors: bool = False,
) -> PullSummary:
    """Ask every missing request and keep its reply in the open `journal`.

    Raises PermanentError or TransientError when going on has no sense; what was kept stays kept.
    """
    missing = list_missing(requests, journal.answered, retry_errors=retry_errors)
    summary = PullSummary(
        len(requests), landed_before=len(requests) - len(missing), recovered=journal.recovered
    )
    if missing:
        asyncio.run(_Run(settings, journal, summary).ask_all(missing))
    return summary


def check_login(settings: PullSettings) -> None:
    """Get a token and send nothing else; raises what is wrong with the login."""

    async def log_in() -> None:
        async with open_client(settings, make_limiter(settings)) as client:
            await client.log_in()

    asyncio.run(log_in())


class _Run:
    """One pull under way: its counts, and how many requests failed in a row."""

    def __init__(self, settings: PullSettings, journal: Journal, summary: PullSummary) -> None:
        self._settings = settings
        self._journal = journal
        self._summary = summary
        self._failed_in_a_row = 0

    async def ask_all(self, requests: Sequence[Request]) -> None:
        limiter = make_limiter(self._settings)
        now_us = time.time_ns() // 1000
        limiter.remember((now_us - at_us) / 1e6 for at_us in self._journal.received_at_us)
        todo = iter(requests)
        try:
            async with open_client(self._settings, limiter) as client, asyncio.TaskGroup() as tasks:
                for _ in range(min(self._settings.parallel, len(requests))):
                    tasks.create_task(self._work(client, todo))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None  # the one that made the others stop
        finally:
            self._summary.sent = limiter.sent

    async def _work(self, client: RedoxClient, todo: Iterator[Request]) -> None:
        for request in todo:
            self._take(request, await client.ask(request.body))

    def _take(self, request: Request, answer: Answer) -> None:
        facts = None if answer.reason else read_facts(answer.body)
        if facts is None:
            self._count_failure(answer)
            return
        reply = KeptReply(request.key, answer.received_at_us, facts.errors, answer.body)
        self._journal.keep(reply)
        self._count_reply(request, reply, facts)

    def _count_reply(self, request: Request, reply: KeptReply, facts: ReplyFacts) -> None:
        expected = {request.event_type, request.reply}
        is_expected = facts.data_model == request.data_model and facts.event_type in expected
        self._failed_in_a_row = 0
        self._summary.landed += 1
        self._summary.reply_bytes += len(reply.body)
        self._summary.with_errors += reply.errors > 0
        self._summary.unexpected += not is_expected
        self._summary.under_query_event += facts.event_type == request.event_type != request.reply
        self._summary.empty += facts.is_empty and not facts.errors
        self._summary.without_time += not facts.has_time
        self._summary.replies[f"{request.data_model} {request.reply}"] += 1

    def _count_failure(self, answer: Answer) -> None:
        self._summary.failed += 1
        self._summary.failures[answer.reason] += 1
        self._failed_in_a_row += answer.is_transient
        if self._failed_in_a_row >= self._settings.give_up_after:
            raise TransientError(
                f"{self._failed_in_a_row} requests in a row had no answer (last: {answer.reason}); "
                f"call again when Redox answers, what has landed is not asked again."
            )
        if self._summary.failed >= _REFUSED_FROM_THE_START and not self._summary.landed:
            raise PermanentError(
                f"The first {self._summary.failed} requests were all refused (last: "
                f"{answer.reason}); check pull.endpoint and the requests."
            )
