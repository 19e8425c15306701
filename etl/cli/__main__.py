"""`redox-warehouse` and `python -m etl.cli`."""

import sys

from etl.cli.stops import (
    end_by_signal,
    heed_stops,
    held_stops,
    recognized_stops,
    say_stopped,
    stop_code,
)


def main() -> None:
    """Run the command line; a stop is a sentence also while it is being imported."""
    heed_stops()
    try:
        with recognized_stops(), held_stops():
            from etl.cli.main import main as run
        run()
    except KeyboardInterrupt:
        say_stopped()
        end_by_signal()
        sys.exit(stop_code())
    except SystemExit as leaving:
        if leaving.code == stop_code():
            end_by_signal()
        raise


if __name__ == "__main__":
    main()
