"""What can go wrong at a source, reported as our errors: which, what to do, and no name of a file.

File names may hold patients' names, and so do the texts of system and library errors: a source is
named by its label, an error by its kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from etl.errors import PermanentError, RedoxWarehouseError, TransientError, UsageFault

_NETWORK_LIBRARIES = ("botocore", "aiobotocore", "aiohttp", "gcsfs", "azure", "urllib3", "requests")
_NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError")


def label_of(uri: str) -> str:
    """A name for a source that reveals nothing of it.

    It is "source" and the first 12 hexadecimal digits of the SHA-256 of the URI or absolute path.
    """
    return f"source {hashlib.sha256(uri.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


@contextmanager
def source_errors(uri: str) -> Iterator[None]:
    """Tell errors of a file system as ours: transient unless the source or the right is missing."""
    try:
        yield
    except RedoxWarehouseError:
        raise
    except Exception as error:
        told = _tell(uri, error)
        if told is None:
            raise
        raise told from None


def _tell(uri: str, error: Exception) -> RedoxWarehouseError | None:
    """Our error for one of a file system; None for a defect, which is nobody's to rename."""
    label, kind = label_of(uri), type(error).__name__
    if isinstance(error, PermissionError):
        return PermanentError(
            f"Access to {label} is refused; check its permissions or credentials."
        )
    if kind in _NO_CREDENTIALS:
        return PermanentError(f"There are no credentials for {label}; set them up.")
    if isinstance(error, FileNotFoundError):
        return UsageFault(f"Nothing was found at {label}; check the path.")
    if isinstance(error, ImportError):
        return UsageFault(
            f"Reading {uri.partition('://')[0]}:// needs a library that is not installed; "
            "install redox-warehouse with the extra s3, gcs or azure."
        )
    if isinstance(error, OSError) or type(error).__module__.startswith(_NETWORK_LIBRARIES):
        return TransientError(f"The store of {label} did not answer ({kind}); try again.")
    if isinstance(error, ValueError) and "://" in uri:
        return UsageFault(f"The address of {label} is not valid ({kind}); check it.")
    return None
