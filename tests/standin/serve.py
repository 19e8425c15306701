"""Runs a stand-in: in a thread of a test, or by hand with `python -m tests.standin.serve`.

By hand it makes a key and prints the `[pull]` section that uses it.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from models.catalog.records import Direction
from tests.packaged import packaged_catalog
from tests.standin.keys import RegisteredKey, make_private_key, write_key
from tests.standin.redox import StandIn


def catalog_replies() -> dict[tuple[str, str], str]:
    """The queries of the packaged catalog and the event types that answer them."""
    return {
        (event.data_model, event.event_type): event.reply
        for model in packaged_catalog().data_models.values()
        for event in model.event_types
        if event.direction is Direction.QUERY
    }


@contextmanager
def serve(
    standin: StandIn, *, port: int = 0, certificate: tuple[Path, Path] | None = None
) -> Iterator[StandIn]:
    """Run a stand-in on loopback until the block ends; sets its `url`.

    With a certificate and its key it speaks TLS.
    """
    config = uvicorn.Config(
        standin.app, host="127.0.0.1", port=port, log_level="critical", lifespan="off"
    )
    if certificate:
        config.ssl_certfile, config.ssl_keyfile = certificate
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    scheme = "https" if certificate else "http"
    standin.url = f"{scheme}://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield standin
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--algorithm", choices=["RS384", "ES384"], default="RS384")
    arguments.add_argument("--key-file", type=Path, required=True, help="where to write the key")
    arguments.add_argument("--documented", action="store_true", help="replies as documented")
    given = arguments.parse_args()
    private_key = make_private_key(given.algorithm)
    write_key(private_key, given.key_file)
    standin = StandIn(catalog_replies())
    standin.queries.is_recorded = not given.documented
    public_key = private_key.public_key()
    standin.login.register(RegisteredKey("standin", "standin", given.algorithm, public_key))
    with serve(standin, port=given.port):
        print("[pull]")
        for name, value in standin.settings().items():
            print(f'{name} = "{value}"')
        print(f'client_id = "standin"\nkey_id = "standin"\nalgorithm = "{given.algorithm}"')
        print(f'private_key_file = "{given.key_file.absolute()}"', flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
