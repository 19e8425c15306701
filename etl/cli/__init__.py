"""Command line: one file per command, each a thin door to the pipeline."""
