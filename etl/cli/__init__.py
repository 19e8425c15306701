"""The command line: a thin door. One command per module; `main` lists them."""
