"""lscoap-interop: keys and enrolment strings, requests, and a server for test benches."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import aiocoap
from aiocoap.numbers import codes

from . import enrolment
from .bench_site import bench_site
from .client import Refused
from .crypto import Malformed, SecretKey, Unverified
from .peer_client import Clear, PeerClient
from .peer_server import SecureSite
from .server import Server
from .session import Replay, Session

METHODS = {
    "get": codes.GET,
    "post": codes.POST,
    "put": codes.PUT,
    "delete": codes.DELETE,
    "fetch": codes.FETCH,
    "patch": codes.PATCH,
    "ipatch": codes.iPATCH,
}


def read_key(path: Path) -> SecretKey:
    """A key file: 64 hexadecimal digits."""
    try:
        return SecretKey(bytes.fromhex(path.read_text().strip()))
    except ValueError as error:
        raise Malformed(f"{path}: a key file has 64 hexadecimal digits") from error


def write_private(path: Path, text: str) -> None:
    """A new file that only its owner can read; one that is there is replaced."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def keygen(arguments: argparse.Namespace) -> None:
    """A new key file; prints the public key, or the server's string."""
    if arguments.key.exists():
        raise Malformed(f"{arguments.key} is there already")
    key = SecretKey()
    write_private(arguments.key, key.secret.hex() + "\n")
    print(enrolment.format_server(key.public) if arguments.server else key.public.hex())


def enrol(arguments: argparse.Namespace) -> None:
    """The enrolment string of a key file."""
    public = read_key(arguments.key).public
    version = 1 if arguments.v1 else 2
    if arguments.id is None:
        print(enrolment.format_server(public, version))
    else:
        print(enrolment.format_device(arguments.id.encode(), public, version))


def load_session(path: Path) -> Session:
    """A session that `save_session` has written, to resume it."""
    try:
        out, cid_s, cid_c = (bytes.fromhex(line) for line in path.read_text().split("\n")[:3])
        return Session(out, cid_s, cid_c, is_client=True)
    except ValueError as error:
        raise Malformed(f"{path} is no session") from error


def save_session(path: Path, session: Session) -> None:
    """OUT, `cid_S` and `cid_C`, one a line. Only to resume: its numbers are not in it."""
    write_private(path, f"{session.out.hex()}\n{session.cid_s.hex()}\n{session.cid_c.hex()}\n")


async def connect(context: aiocoap.Context, arguments: argparse.Namespace) -> PeerClient:
    """A session that resumes the stored one where that is possible, else a full handshake."""
    stored: Path | None = arguments.resume
    if stored and stored.exists():
        try:
            return await PeerClient.resume(context, arguments.uri, load_session(stored), arguments.carrier)
        except Refused as refused:
            print(f"not resumed: {refused}", file=sys.stderr)
    return await PeerClient.connect(
        context,
        arguments.uri,
        read_key(arguments.key),
        arguments.id.encode(),
        enrolment.parse_server(arguments.server),
        profile=arguments.profile,
        carrier=arguments.carrier,
    )


async def ask(arguments: argparse.Namespace) -> None:
    """One request; prints code and payload, and as many notifications as were asked for."""
    context = await aiocoap.Context.create_client_context()
    try:
        client = await connect(context, arguments)
        message = client.message(METHODS[arguments.command], arguments.path, arguments.payload.encode())
        if arguments.observe:
            notifications = client.observe(message)
            for _ in range(arguments.observe):
                show(await anext(notifications))
            await notifications.aclose()
        else:
            show(await client.request(message))
        if arguments.resume:
            save_session(arguments.resume, client.session)
    finally:
        await context.shutdown()


def show(answer: aiocoap.Message) -> None:
    """Code and payload, a line."""
    print(answer.code, answer.payload.decode(errors="backslashreplace"), flush=True)


async def serve(arguments: argparse.Namespace) -> None:
    """Serves the resources for tests until it is stopped."""
    identity = read_key(arguments.key)
    devices = enrolment.parse_device_list(arguments.devices.read_text())
    server = Server(identity, devices, ask_cookies=arguments.ask_cookies)
    site = SecureSite(server, bench_site())
    context = await aiocoap.Context.create_server_context(site, bind=(arguments.address, arguments.port))
    print(enrolment.format_server(identity.public))
    print(f"listening on {arguments.address}:{arguments.port}", flush=True)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await context.shutdown()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="lscoap-interop", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)

    command = commands.add_parser("keygen", help=keygen.__doc__)
    command.add_argument("key", type=Path)
    command.add_argument("--server", action="store_true", help="the key of a server")

    command = commands.add_parser("enrol", help=enrol.__doc__)
    command.add_argument("key", type=Path)
    command.add_argument("--id", help="the device id; without it the string is a server's")
    command.add_argument("--v1", action="store_true", help="the string without a check")

    command = commands.add_parser("serve", help=serve.__doc__)
    command.add_argument("-k", "--key", type=Path, required=True)
    command.add_argument("-d", "--devices", type=Path, required=True, help="a list of devices, one string a line")
    command.add_argument("-A", "--address", default="127.0.0.1")
    command.add_argument("-p", "--port", type=int, default=5683)
    command.add_argument("--ask-cookies", action="store_true", help="asks every handshake for a retry cookie")

    for name in METHODS:
        command = commands.add_parser(name, help=f"one {name.upper()} request")
        command.add_argument("-k", "--key", type=Path, required=True)
        command.add_argument("-i", "--id", required=True, help="the device id")
        command.add_argument("-s", "--server", required=True, help="the server's string")
        command.add_argument("-u", "--uri", default="coap://127.0.0.1", help="the server, without a path")
        command.add_argument("--profile", choices=("signed", "express"), default="signed")
        command.add_argument("--carrier", choices=("oscore", "payload"), default="oscore")
        command.add_argument(
            "--resume", type=Path, metavar="FILE", help="resumes the session of FILE, and keeps it there"
        )
        command.add_argument("--observe", type=int, default=0, metavar="N", help="waits for N answers")
        command.add_argument("path", help="/index, or /index?readings=3")
        command.add_argument("payload", nargs="?", default="")
    return top


def main() -> int:
    """Ends with 0, 1 where something failed, 2 where the command line is wrong."""
    arguments = parser().parse_args()
    try:
        if arguments.command in ("keygen", "enrol"):
            {"keygen": keygen, "enrol": enrol}[arguments.command](arguments)
        else:
            asyncio.run(serve(arguments) if arguments.command == "serve" else ask(arguments))
    except (Clear, Malformed, Refused, Replay, Unverified, OSError, aiocoap.error.Error) as error:
        print(f"lscoap-interop: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
