"""Errors: what can be wrong with us or with the world. Bad data is a finding, never one of these.

The text of an error is one sentence that ends with what to do; it holds no patient value.
`exit_code` is what the command line returns for it.
"""


class RedoxWarehouseError(Exception):
    """The family of all errors raised on purpose."""

    exit_code = 1


class UsageFault(RedoxWarehouseError):
    """The call, the configuration or the catalog is wrong; the user corrects it and calls again."""

    exit_code = 2


class WarehouseBusy(RedoxWarehouseError):
    """Another process holds the warehouse; trying again later helps."""

    exit_code = 4


class DiskFull(RedoxWarehouseError):
    """The disk is full or nearly so; free space and call again."""

    exit_code = 5


class TransientError(RedoxWarehouseError):
    """The world failed for now (network, rate limit); a retry may succeed."""


class PermanentError(RedoxWarehouseError):
    """The world failed in a way no retry fixes."""
