"""An owner: who is in, under which keys, and what is sent."""

from __future__ import annotations

import os
from typing import Any

from ..crypto import SecretKey
from ..session import Replay
from . import keys, messages
from .keys import SIGNED, TAGGED, ModeKeys, credential, gid_of
from .member import Unknown
from .messages import ANSWERS, Join
from .objects import Form, Request, open_answer, read_answer, seal_request, tags


class Owner:
    """One group. Secrets are new where none are given. It is not timed: numbers are counted."""

    def __init__(
        self,
        group: int,
        flags: int,
        slots: int = 0,
        *,
        gos: bytes = b"",
        ms: bytes = b"",
        vs: bytes = b"",
        epoch: int = 1,
        number: int = 0,
        address: bytes = b"",
        port: int = 0,
    ) -> None:
        """`number` is the next request's. Without `TAGGED` there are no slots."""
        self.group, self.flags, self.slots, self.epoch, self.number = group, flags, slots, epoch, number
        self.address, self.port = address, port
        self._gos = gos or os.urandom(32)
        self.key = keys.owner_key(self._gos, group)
        self.credential = credential(self.key.public)
        self.kids: dict[bytes, int] = {}
        self._answered: set[tuple[Form, int]] = set()
        self._begin(ms, vs)

    def _begin(self, ms: bytes, vs: bytes) -> None:
        self.ms, self.vs = ms or os.urandom(32), vs or os.urandom(32)
        self.keys = {
            mode: ModeKeys.derive(self.ms, gid_of(self.group, self.epoch, mode))
            for mode in keys.MODES
            if self.flags & mode
        }
        self.vks = {kid: keys.tag_key(self.vs, kid) for kid in range(1, self.slots + 1)}

    def add(self, device_id: bytes) -> int:
        """Lets a device in; its kid, the lowest that is free."""
        most = self.slots if self.flags & TAGGED else 254
        free = next(kid for kid in range(1, most + 1) if kid not in self.kids.values())
        return self.kids.setdefault(device_id, free)

    def member_key(self, device_id: bytes) -> SecretKey:
        """A member's key in this epoch."""
        return keys.member_key(self._gos, self.group, self.epoch, device_id)

    def join(self, device_id: bytes) -> Join:
        """What this member is told."""
        kid = self.kids[device_id]
        join: dict[str, Any] = {"slots": self.slots, "address": self.address, "port": self.port}
        if self.flags & (TAGGED | ANSWERS):
            join["kid"] = kid
        if self.flags & ANSWERS:
            member = self.member_key(device_id)
            join |= {"pk_member": member.public, "shared": member.dh(self.key.public)}
        if self.flags & TAGGED:
            join["vk"] = self.vks[kid]
        return Join(self.flags, self.group, self.epoch, self.number, self.ms, self.key.public, **join)

    def answer_ask(self, device_id: bytes, ask: bytes) -> bytes:
        """JOIN, SYNC or LEAVE; raises Malformed, and Unknown where this is not the group that is asked for."""
        group, epoch = messages.read_ask(ask)
        if group not in (0, self.group):
            raise Unknown("this is about another group")
        if device_id not in self.kids:
            return messages.write_leave(group)
        if (group, epoch) == (self.group, self.epoch):
            return messages.write_sync(self.group, self.epoch, self.number)
        return self.join(device_id).write()

    def rekey(self, without: bytes | None = None, *, ms: bytes = b"", vs: bytes = b"") -> None:
        """A new epoch, where somebody has left without him."""
        self.kids.pop(without or b"", None)
        self.epoch += 1
        self._begin(ms, vs)

    def request(self, mode: int, options: bytes = b"") -> Request:
        """A request with the next number, which is used up."""
        piv = self.number.to_bytes(max(1, (self.number.bit_length() + 7) // 8))
        self.number += 1
        return Request(Form(piv, self.keys[mode].gid), options, self.credential)

    def seal_request(self, mode: int, plaintext: bytes, options: bytes = b"") -> tuple[bytes, Request]:
        """The object of a request."""
        request = self.request(mode, options)
        prove = self.key.sign if mode == SIGNED else tags(self.vks, self.slots)
        return seal_request(self.keys[mode], request, self.credential, plaintext, prove), request

    def open_answer(self, request: Request, sealed: bytes) -> tuple[bytes, int]:
        """The plaintext of an answer, and its kid; raises Malformed, Unknown, Replay or Unverified."""
        kid = read_answer(sealed)
        mode_keys = self.keys[request.form.mode]
        device_id = next((device for device, of in self.kids.items() if of == kid), None)
        if device_id is None or request.form.gid != mode_keys.gid:
            raise Unknown("nobody has this kid, or the epoch has ended")
        if (request.form, kid) in self._answered:
            raise Replay("this member has answered")
        member = self.member_key(device_id)
        own = credential(member.public)
        key = mode_keys.answer_key(kid, own, self.credential, self.key.dh(member.public))
        plaintext = open_answer(mode_keys, request, key, own, sealed)
        self._answered.add((request.form, kid))
        return plaintext, kid
