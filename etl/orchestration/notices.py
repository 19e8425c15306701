"""Sends a notice by e-mail and to a webhook of Slack, Teams or any other service.

What a notice says is decided in `alerts`.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import httpx

from etl.errors import TransientError
from etl.sections import AlertSettings

TIMEOUT_S = 20.0
Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """A title and lines of plain text; no value of a message."""

    title: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the lines as one text."""
        return "\n".join(self.lines)


def send(notice: Notice, to: AlertSettings) -> None:
    """Send a notice wherever the site wants it. Raises TransientError naming the way that failed."""
    if to.webhook_url is not None:
        _post(notice, to)
    if to.email_to:
        _mail(notice, to)


def _post(notice: Notice, to: AlertSettings) -> None:
    assert to.webhook_url is not None
    body = PAYLOADS[to.webhook_kind](notice)
    try:
        answer = httpx.post(to.webhook_url.get_secret_value(), json=body, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        # The text of the error holds the address, which is a secret.
        raise TransientError(
            f"The alert could not be sent: the webhook did not answer ({type(error).__name__}); check "
            "alerts.webhook_url."
        ) from None
    if answer.status_code >= 300:
        raise TransientError(
            f"The alert could not be sent: the webhook answered {answer.status_code}; check "
            "alerts.webhook_url and alerts.webhook_kind."
        )


def _slack(notice: Notice) -> Payload:
    return {"text": f"*{notice.title}*\n{notice.text}"}


def _teams(notice: Notice) -> Payload:
    blocks = [{"type": "TextBlock", "text": notice.title, "weight": "Bolder", "wrap": True}]
    blocks += [{"type": "TextBlock", "text": line, "wrap": True} for line in notice.lines]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _plain(notice: Notice) -> Payload:
    return {"title": notice.title, "lines": list(notice.lines)}


PAYLOADS: dict[str, Callable[[Notice], Payload]] = {
    "slack": _slack,
    "teams": _teams,
    "json": _plain,
}


def _mail(notice: Notice, to: AlertSettings) -> None:
    message = EmailMessage()
    message["Subject"] = notice.title
    message["From"] = to.email_from
    message["To"] = ", ".join(to.email_to)
    message.set_content(notice.text)
    try:
        with _connect(to) as server:
            if to.smtp_user:
                password = to.smtp_password.get_secret_value() if to.smtp_password else ""
                server.login(to.smtp_user, password)
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise TransientError(
            f"The alert could not be sent: the mail server refused or did not answer "
            f"({type(error).__name__}); check alerts.smtp_host and the other smtp settings."
        ) from None


def _connect(to: AlertSettings) -> smtplib.SMTP:
    if to.smtp_security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(to.smtp_host, to.smtp_port, timeout=TIMEOUT_S, context=context)
    server = smtplib.SMTP(to.smtp_host, to.smtp_port, timeout=TIMEOUT_S)
    if to.smtp_security == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server
