"""What owner and members say about membership, inside their sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..crypto import Malformed, SecretKey, check_point
from ..wire import Reader
from .keys import SIGNED, TAGGED

ASK, JOIN, SYNC, NOTICE, LEAVE = range(0x20, 0x25)
CONTENT_FORMAT = 65003
PATH = "/.well-known/lscoap/group"

DELEGATED, ANSWERS, TIMED, DELEGATE = 0x10, 0x08, 0x20, 0x40
_KNOWN = SIGNED | TAGGED | ANSWERS | TIMED
_MOST_SLOTS, _MOST_KIDS = 16, 254


@dataclass(frozen=True)
class Join:
    """All that a member, or a delegate, is told. What the flags do not ask for is empty or 0."""

    flags: int
    group: int
    epoch: int
    floor: int
    ms: bytes
    pk_owner: bytes
    slots: int = 0
    kid: int = 0
    pk_member: bytes = b""
    shared: bytes = b""
    vk: bytes = b""
    pk_delegate: bytes = b""
    sk_delegate: bytes = b""
    vs: bytes = b""
    address: bytes = b""
    port: int = 0

    def write(self) -> bytes:
        """The message."""
        head = bytes((JOIN, self.flags)) + self.group.to_bytes(2) + self.epoch.to_bytes(4) + self.floor.to_bytes(5)
        slots = bytes((self.slots,)) if self.flags & TAGGED else b""
        kid = bytes((self.kid,)) if self.kid else b""
        sender = self.sk_delegate + self.vs if self.flags & DELEGATE else self.vk + self.pk_delegate
        port = self.port.to_bytes(2) if self.address else b""
        where = bytes((len(self.address),)) + self.address + port
        return head + self.ms + self.pk_owner + slots + kid + self.pk_member + self.shared + sender + where

    @property
    def pk_sender(self) -> bytes:
        """Whose requests these are."""
        if self.sk_delegate:
            return SecretKey(self.sk_delegate).public
        return self.pk_delegate or self.pk_owner


def read_join(message: bytes, delegates: bool = False) -> Join:
    """A JOIN; with `delegates` also one of a group that has a delegate. Raises Malformed."""
    reader = Reader(message, JOIN)
    flags, group, epoch = _number(reader, 1), _number(reader, 2), _number(reader, 4)
    _check_flags(flags, delegates)
    if not group or not epoch:
        raise Malformed("group and epoch begin with 1")
    fields: dict[str, Any] = {
        "floor": _number(reader, 5),
        "ms": reader.take(32),
        "pk_owner": check_point(reader.take(33)),
    }
    tagged, delegate = flags & TAGGED, flags & DELEGATE
    if tagged:
        fields["slots"] = _number(reader, 1)
        if not 1 <= fields["slots"] <= _MOST_SLOTS:
            raise Malformed("there are 1 to 16 slots")
    if (tagged or flags & ANSWERS) and not delegate:
        fields["kid"] = _number(reader, 1)
        if not 1 <= fields["kid"] <= (fields["slots"] if tagged else _MOST_KIDS):
            raise Malformed("nobody can have this kid")
    if flags & ANSWERS:
        fields |= {"pk_member": check_point(reader.take(33)), "shared": reader.take(32)}
    if tagged and not delegate:
        fields["vk"] = reader.take(16)
    if flags & DELEGATED and not delegate:
        fields["pk_delegate"] = check_point(reader.take(33))
    if delegate:
        fields["sk_delegate"] = SecretKey(reader.take(32)).secret
        fields["vs"] = reader.take(32) if tagged else b""
    length = _number(reader, 1)
    if length not in (0, 4, 16):
        raise Malformed("an address has 4 or 16 bytes")
    if length:
        fields |= {"address": reader.take(length), "port": _number(reader, 2)}
    reader.end()
    return Join(flags, group, epoch, **fields)


def _check_flags(flags: int, delegates: bool) -> None:
    known = _KNOWN | (DELEGATED | DELEGATE if delegates else 0)
    if flags & ~known or not flags & (SIGNED | TAGGED):
        raise Malformed("flags that mean nothing, or no mode")
    if flags & DELEGATE and not flags & DELEGATED:
        raise Malformed("a delegate's JOIN is of a group with a delegate")
    if flags & DELEGATED and (not flags & TIMED or flags & ANSWERS):
        raise Malformed("a group with a delegate is timed and has no answers")


def write_ask(group: int, epoch: int) -> bytes:
    """An ASK: for this group or, with 0, for the one there is; with the epoch that is held, or 0."""
    return bytes((ASK,)) + group.to_bytes(2) + epoch.to_bytes(4) + b"\0"


def read_ask(message: bytes) -> tuple[int, int]:
    """Group and epoch of an ASK."""
    reader = Reader(message, ASK)
    group, epoch, zero = _number(reader, 2), _number(reader, 4), _number(reader, 1)
    reader.end()
    if zero:
        raise Malformed("an ASK ends with 0")
    return group, epoch


def write_sync(group: int, epoch: int, floor: int) -> bytes:
    """A SYNC."""
    return bytes((SYNC,)) + group.to_bytes(2) + epoch.to_bytes(4) + floor.to_bytes(5)


def read_sync(message: bytes) -> tuple[int, int, int]:
    """Group, epoch and floor of a SYNC."""
    reader = Reader(message, SYNC)
    group, epoch, floor = _number(reader, 2), _number(reader, 4), _number(reader, 5)
    reader.end()
    if not group or not epoch:
        raise Malformed("group and epoch begin with 1")
    return group, epoch, floor


def write_notice(group: int, epoch: int) -> bytes:
    """A NOTICE."""
    return bytes((NOTICE,)) + group.to_bytes(2) + epoch.to_bytes(4)


def read_notice(message: bytes) -> tuple[int, int]:
    """Group and epoch of a NOTICE."""
    reader = Reader(message, NOTICE)
    group, epoch = _number(reader, 2), _number(reader, 4)
    reader.end()
    if not group or not epoch:
        raise Malformed("group and epoch begin with 1")
    return group, epoch


def write_leave(group: int) -> bytes:
    """A LEAVE."""
    return bytes((LEAVE,)) + group.to_bytes(2)


def read_leave(message: bytes) -> int:
    """The group of a LEAVE; 0 in the answer to an ASK of group 0."""
    reader = Reader(message, LEAVE)
    group = _number(reader, 2)
    reader.end()
    return group


def _number(reader: Reader, length: int) -> int:
    return int.from_bytes(reader.take(length))
