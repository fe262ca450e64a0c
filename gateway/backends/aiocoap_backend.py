"""A back-end of lscoap-gateway with aiocoap: /readings is what each device has put there, and can be observed.

aiocoap_backend.py option|path|query PORT
"""

from __future__ import annotations

import asyncio
import sys

from aiocoap import Context, Message, error, resource
from aiocoap.numbers import codes
from aiocoap.numbers.optionnumbers import OptionNumber

IDENTITY = OptionNumber(65010)  # backend.option of the gateway
QUERY = "lscoap-id="


def device_of(request: Message, form: str, path: tuple[str, ...]) -> bytes:
    """Which device asks, as the gateway says it; `path` is that of the request.

    Nobody but the gateway may reach this server: then the option is there exactly once, and the path and the query begin with what
    the gateway has written.
    """
    if form == "option":
        ids = [option.value for option in request.opt.get_option(IDENTITY)]
    elif form == "path":  # /d/ID/...
        ids = [bytes.fromhex(path[1])] if path[:1] == ("d",) and len(path) > 1 else []
    else:  # ?lscoap-id=ID&...
        ids = [bytes.fromhex(query[len(QUERY) :]) for query in request.opt.uri_query[:1] if query.startswith(QUERY)]
    if len(ids) != 1:
        raise error.Forbidden
    return ids[0]


class Readings(resource.ObservableResource):
    """The last body that each device has put."""

    def __init__(self, form: str) -> None:
        """`form` is the gateway's backend.identity."""
        super().__init__()
        self.form = form
        self.bodies: dict[bytes, bytes] = {}

    async def render_get(self, request: Message) -> Message:
        """The device's own."""
        device = device_of(request, self.form, request.opt.uri_path)
        if device not in self.bodies:
            raise error.NotFound
        return Message(payload=self.bodies[device])

    async def render_put(self, request: Message) -> Message:
        """Replaces it."""
        self.bodies[device_of(request, self.form, request.opt.uri_path)] = request.payload
        self.updated_state()  # each observer gets what is its own
        return Message(code=codes.CHANGED)


class OfDevices(Readings, resource.PathCapable):
    """The same at /d/ID/readings, for any ID."""

    async def needs_blockwise_assembly(self, request: Message) -> bool:
        """Bodies are wanted whole."""
        return True

    async def render(self, request: Message) -> Message:
        """The path that is left is ID/readings."""
        path = request.opt.uri_path
        if len(path) != 2 or path[1] != "readings":  # noqa: PLR2004
            raise error.NotFound
        return await super().render(request.copy(uri_path=("d", *path)))


async def main(form: str, port: int) -> None:
    """Serves until it is ended."""
    site = resource.Site()
    if form == "path":
        site.add_resource(["d"], OfDevices(form))
    else:
        site.add_resource(["readings"], Readings(form))
    context = await Context.create_server_context(site, bind=("127.0.0.1", port))
    print(f"listening on 127.0.0.1:{port}", flush=True)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await context.shutdown()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
