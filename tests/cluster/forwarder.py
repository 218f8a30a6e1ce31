"""A load balancer in its plainest form: all lines go to one node while it answers, then to the next; TLS and all, unread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Self

HOST = "127.0.0.1"
CHUNK = 64 * 1024
DIAL_S = 2.0


class Forwarder:
    """Listens on a loopback port, in a thread of its own. ``in_use`` is the node's port to which the last line went."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = ports
        self.in_use = ports[0]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="forwarder")
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, HOST, 0), self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            first = self._ports.index(self.in_use)
            for port in (*self._ports[first:], *self._ports[:first]):
                try:
                    there = await asyncio.wait_for(asyncio.open_connection(HOST, port), DIAL_S)
                except OSError:  # also where it took too long
                    continue
                self.in_use = port
                await _joined(reader, writer, *there)
                return


async def _joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, from_node: asyncio.StreamReader, to_node: asyncio.StreamWriter) -> None:
    """Until one side ends; then the other does, too."""
    with contextlib.closing(to_node):
        ways = [asyncio.ensure_future(_pump(reader, to_node)), asyncio.ensure_future(_pump(from_node, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
