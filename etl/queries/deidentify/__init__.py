"""Copies of marts without what identifies a person, by three sets of rules."""
