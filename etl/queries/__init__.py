"""Queries: what people ask of what was loaded. Nothing here changes the warehouse."""
