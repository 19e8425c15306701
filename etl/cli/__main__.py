"""`python -m etl.cli` is `redox-warehouse`."""

from etl.cli.main import main

if __name__ == "__main__":
    main()
