"""Resources for tests: what comes back shows what has arrived."""

from __future__ import annotations

import asyncio

from aiocoap import Message, resource
from aiocoap.numbers import codes


class Index(resource.ObservableResource):
    """A body that is written by PUT, added to by POST and iPATCH, deleted, and read by GET and FETCH.

    GET takes `size=N` and gives N bytes then; FETCH gives its own payload back. Every write tells the observers.
    """

    def __init__(self) -> None:
        """An empty body."""
        super().__init__()
        self.body = b""

    async def render_get(self, request: Message) -> Message:
        """The body, or as many bytes as the query asks for."""
        for query in request.opt.uri_query:
            if query.startswith("size="):
                return Message(payload=(b"0123456789abcdef" * 4096)[: int(query[5:])])
        return Message(payload=self.body)

    async def render_fetch(self, request: Message) -> Message:
        """The payload of the request."""
        return Message(payload=b"fetched " + request.payload)

    async def render_put(self, request: Message) -> Message:
        """Replaces the body."""
        return self._write(request.payload, codes.CHANGED)

    async def render_post(self, request: Message) -> Message:
        """Adds to the body."""
        return self._write(self.body + request.payload, codes.CHANGED)

    render_ipatch = render_post
    render_patch = render_post

    async def render_delete(self, request: Message) -> Message:
        """Empties the body."""
        return self._write(b"", codes.DELETED)

    def _write(self, body: bytes, code: codes.Code) -> Message:
        self.body = body
        self.updated_state()
        return Message(code=code, payload=str(len(body)).encode())


class Ticking(resource.ObservableResource):
    """Counts up, four times a second, while somebody observes it."""

    def __init__(self) -> None:
        """Counts from 0."""
        super().__init__()
        self.count = 0
        self._task: asyncio.Task[None] | None = None

    def update_observation_count(self, newcount: int) -> None:
        """The first observer starts the clock, the last stops it."""
        if newcount and self._task is None:
            self._task = asyncio.create_task(self._tick())
        elif not newcount and self._task is not None:
            self._task.cancel()
            self._task = None

    async def render_get(self, request: Message) -> Message:
        """The count."""
        return Message(payload=str(self.count).encode())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            self.count += 1
            self.updated_state()


def bench_site() -> resource.Site:
    """`/index` and `/tick`."""
    site = resource.Site()
    site.add_resource(["index"], Index())
    site.add_resource(["tick"], Ticking())
    return site
