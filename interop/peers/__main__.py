"""Runs the table, prints it, and writes it into a document where one is named. Ends with 1 where a row fails."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from pathlib import Path

from . import groups, libcoap
from .from_client import FromClient
from .table import Column, markdown, write
from .to_server import ToServer
from .world import World


async def columns(world: World) -> list[Column]:
    """All columns, side by side."""
    running = [
        ToServer(world, "oscore").run(),
        FromClient(world, "oscore").run(),
        ToServer(world, "payload").run(),
        FromClient(world, "payload").run(),
        groups.ToMember(world).run(),
        groups.FromServer(world).run(),
    ]
    if programs := libcoap.prefix():
        running[4:4] = [libcoap.ToServer(world, programs).run(), libcoap.FromClient(world, programs).run()]
    done = await asyncio.gather(*running)
    if world.deaf:
        print("*** NOT TESTED: OSCORE requests to secure_server, whose libcoap keeps them to itself.")
        if os.environ.get("LSCOAP_CI"):
            sys.exit(1)
    return [column for column in done if column.results]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="peers", description=__doc__)
    parser.add_argument("--programs", type=Path, required=True, help="where secure_server and secure_client are")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="puts the table between its marks")
    arguments = parser.parse_args()
    logging.disable()  # hostile messages would fill it
    with tempfile.TemporaryDirectory() as directory:
        done = asyncio.run(columns(World(Path(directory), arguments.programs)))
    table = markdown(done)
    print(table)
    faults = [fault for column in done for fault in column.faults]
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults and arguments.write:
        write(arguments.write, table)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
