"""Which way to log in, by the settings: an OAuth key or the legacy key and secret."""

from __future__ import annotations

from etl.errors import UsageFault
from etl.pull.assertion import read_signer
from etl.pull.exchange import Exchange
from etl.pull.legacy import LegacyIssuer
from etl.pull.oauth import OAuthIssuer
from etl.pull.tokens import Tokens
from etl.sections import PullSettings


def login_faults(settings: PullSettings) -> list[str]:
    """What is missing or contradictory in the settings to log in; empty when all is well."""
    oauth = {
        "pull.client_id": settings.client_id,
        "pull.private_key_file": settings.private_key_file,
    }
    legacy = {
        "pull.api_key": settings.api_key,
        "pull.secret or pull.secret_file": settings.secret or settings.secret_file,
    }
    if any(oauth.values()) and any(legacy.values()):
        return ["both an OAuth key and a legacy key are set, keep one"]
    if not any(oauth.values()) and not any(legacy.values()):
        return ["neither pull.client_id (OAuth) nor pull.api_key (legacy) is set"]
    chosen = oauth if any(oauth.values()) else legacy
    return [f"{name} is missing" for name, value in chosen.items() if not value]


def make_tokens(settings: PullSettings, exchange: Exchange) -> Tokens:
    """The way to log in that the settings give; raises UsageFault with all that is missing."""
    if faults := login_faults(settings):
        raise UsageFault(f"The pull cannot log in ({'; '.join(faults)}); correct the settings.")
    if settings.private_key_file is not None:
        signer = read_signer(
            settings.private_key_file,
            client_id=settings.client_id,
            key_id=settings.key_id,
            algorithm=settings.algorithm,
        )
        return Tokens(OAuthIssuer(exchange, settings.token_url, signer).issue)
    legacy = LegacyIssuer(
        exchange,
        settings.authenticate_url,
        settings.refresh_url,
        api_key=settings.api_key.get_secret_value() if settings.api_key else "",
        secret=_read_secret(settings),
    )
    return Tokens(legacy.issue)


def _read_secret(settings: PullSettings) -> str:
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    try:
        return settings.secret_file.read_text().strip() if settings.secret_file else ""
    except (OSError, UnicodeDecodeError):
        raise UsageFault(
            "The file named in pull.secret_file cannot be read; correct the path or its "
            "permissions."
        ) from None
