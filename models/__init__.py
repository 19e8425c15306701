"""Nouns: what Redox sends and what we store. Pure: no clock, no network, no environment."""
