"""A delegate, which sends in its owner's place."""

from __future__ import annotations

from ..crypto import SecretKey
from .keys import MODES, SIGNED, ModeKeys, credential, gid_of, tag_key
from .member import TICK_MS, Unexpected
from .messages import DELEGATE, read_join, write_ask
from .objects import Form, Request, seal_request, tags


class Delegate:
    """One device in one group. Times are ms that only go on."""

    def __init__(self) -> None:
        """It has nothing yet."""
        self.group = self.epoch = self.slots = self.number = 0
        self._ticks, self._since = 0, 0

    def ask(self) -> bytes:
        """An ASK."""
        return write_ask(self.group, self.epoch)

    def answer(self, message: bytes, now_ms: int = 0) -> None:
        """The answer to the ASK, a JOIN of a delegate; raises Unexpected or Malformed."""
        join = read_join(message, delegates=True)
        if not join.flags & DELEGATE:
            raise Unexpected("this is a member's")
        same = (join.group, join.epoch) == (self.group, self.epoch)
        self.number = max(self.number, join.floor) if same else join.floor
        self.group, self.epoch, self.slots = join.group, join.epoch, join.slots
        self._ticks, self._since = join.floor, now_ms
        self._key, self._owner = SecretKey(join.sk_delegate), credential(join.pk_owner)
        self._vks = {kid: tag_key(join.vs, kid) for kid in range(1, join.slots + 1)}
        self.keys = {
            mode: ModeKeys.derive(join.ms, gid_of(join.group, join.epoch, mode)) for mode in MODES if join.flags & mode
        }

    def seal_request(self, mode: int, plaintext: bytes, options: bytes = b"", now_ms: int = 0) -> bytes:
        """The object of a request, with the number that the time has, or the next."""
        self.number = max(self.number, self._ticks + (now_ms - self._since) // TICK_MS)
        form = Form(self.number.to_bytes(max(1, (self.number.bit_length() + 7) // 8)), self.keys[mode].gid)
        self.number += 1
        prove = self._key.sign if mode == SIGNED else tags(self._vks, self.slots)
        sender = credential(self._key.public)
        return seal_request(self.keys[mode], Request(form, options, self._owner), sender, plaintext, prove)
