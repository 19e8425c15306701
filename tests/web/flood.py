"""A flood in a process of its own: connections that send something and come back when cut.

python flood.py HOST PORT CONNECTIONS TLS(0|1) < what each connection sends
Prints a line once all have connected, and runs until it is killed.
"""

import asyncio
import contextlib
import resource
import ssl
import sys

PAUSE_S = 0.2


async def flood(host: str, port: int, connections: int, tls: ssl.SSLContext | None) -> None:
    sent = sys.stdin.buffer.read()
    opened = asyncio.Semaphore(0)

    async def come_again() -> None:
        is_first = True
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(host, port, ssl=tls)
                try:
                    writer.write(sent)
                    await writer.drain()
                    if is_first:
                        is_first = False
                        opened.release()
                    while await reader.read(1000):
                        pass
                finally:
                    writer.close()
            await asyncio.sleep(PAUSE_S)

    tasks = [asyncio.create_task(come_again()) for _ in range(connections)]
    for _ in tasks:
        await opened.acquire()
    print("all connected", flush=True)
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = None
    if sys.argv[4] == "1":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    asyncio.run(flood(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), context))
