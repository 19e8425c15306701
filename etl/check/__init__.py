"""Checks: what is odd or wrong in values that were received, said as findings, never raised."""
