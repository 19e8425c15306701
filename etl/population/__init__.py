"""Counts how often each path is populated. Additive: counts of parts add up to counts of the whole."""
