"""The client's role of the handshakes: bytes in, bytes out."""

from __future__ import annotations

import os
from collections.abc import Callable

from . import schedule, wire
from .crypto import Malformed, SecretKey, check_point, open_sealed, seal, verify
from .session import Session

RETRIES = 3


class Refused(Exception):
    """The answer was an alert, which anybody can have sent."""

    def __init__(self, code: int) -> None:
        """The alert's code."""
        names = {1: "unknown device", 2: "does not verify", 3: "malformed", 4: "busy", 5: "no such session"}
        super().__init__(f"refused: {names.get(code, 'alert of an unknown code')}")
        self.code = code


class Client:
    """One handshake, full or resuming. `step()` gives the first message, `step(answer)` the next or None at the end."""

    session: Session | None = None
    _next: Callable[[bytes], bytes | None]
    _old: Session
    _nonce: bytes
    _sent: bytes = b""
    retries: int = 0

    def __init__(
        self,
        identity: SecretKey,
        device_id: bytes,
        server_key: bytes,
        profile: str = "signed",
        *,
        cid: bytes = b"",
        ephemeral: SecretKey | None = None,
    ) -> None:
        """A full handshake; `cid` is `cid_C`, of 0 to 7 bytes, and `profile` is signed or express."""
        self._identity, self._device_id, self._server_key, self._cid = identity, device_id, check_point(server_key), cid
        self._ephemeral = ephemeral or SecretKey()
        self._first = {"signed": self._m1, "express": self._x1}[profile]

    @classmethod
    def resuming(cls, old: Session, nonce: bytes | None = None) -> Client:
        """A resumption of a session that this end had."""
        self = cls.__new__(cls)
        self._old, self._nonce = old, nonce or os.urandom(8)
        self._first = self._r1
        return self

    def step(self, received: bytes | None = None) -> bytes | None:
        """The message that is to be sent; None when `session` is there. Raises Refused, Malformed or Unverified."""
        if received is None:
            self._sent = self._first()
            return self._sent
        kind = wire.kind(received)
        if kind == wire.ALERT and len(received) == 2:
            raise Refused(received[1])
        if kind == wire.RETRY and self._sent[0] in (wire.M1, wire.X1, wire.R1):
            self.retries += 1
            if self.retries > RETRIES:
                raise Refused(wire.Alert.BUSY)
            return bytes((wire.RETRIED,)) + wire.read_retry(received) + self._sent
        message = self._next(received)
        self._sent = message or b""
        return message

    def _finish(self, out: bytes, cid_s: bytes, cid_c: bytes) -> None:
        self.session = Session(out, cid_s, cid_c, is_client=True)

    def _check_cid(self, cid_s: bytes, cid_c: bytes) -> bytes:
        if cid_s == cid_c:
            raise Malformed("both ends have the same connection id")
        return cid_s

    # signed

    def _m1(self) -> bytes:
        self._next = self._on_m2
        return bytes((wire.M1,)) + wire.client_ids(self._cid, self._device_id) + self._ephemeral.x

    def _on_m2(self, m2: bytes) -> bytes:
        cid_s, x = wire.read_m2(m2)
        self._cid_s = self._check_cid(cid_s, self._cid)
        self._keys = schedule.Signed.begin(
            self._server_key, self._sent, self._identity.public, m2, self._ephemeral.dh(x)
        )
        head = bytes((wire.M3,)) + wire.server_cid(cid_s)
        m3 = head + seal(self._keys.k3(), head, self._identity.sign(self._keys.client_statement()))
        self._th_3 = self._keys.th_3(m3)
        self._next = self._on_m4
        return m3

    def _on_m4(self, m4: bytes) -> None:
        signature = open_sealed(self._keys.k4(self._th_3), bytes((wire.M4,)), wire.read_m4(m4))
        verify(self._server_key, signature, schedule.server_statement(self._th_3))
        self._finish(self._keys.out(self._th_3, m4), self._cid_s, self._cid)

    # express

    def _x1(self) -> bytes:
        self._next = self._on_x2
        self._express = schedule.Express.begin(
            self._server_key, self._ephemeral.x, self._ephemeral.dh(self._server_key)
        )
        ids = wire.client_ids(self._cid, self._device_id)
        self._c1 = seal(self._express.k1(), bytes((wire.X1,)), ids)
        return bytes((wire.X1,)) + self._ephemeral.x + self._c1

    def _on_x2(self, x2: bytes) -> None:
        x, c2 = wire.read_x2(x2)
        answer = self._express.answer(self._c1, self._identity.public, x, self._ephemeral.dh(x), self._identity.dh(x))
        cid_s = open_sealed(answer.key(), bytes((wire.X2,)), c2)
        self._finish(answer.out(c2), self._check_cid(cid_s, self._cid), self._cid)

    # resume

    def _r1(self) -> bytes:
        self._next = self._on_r2
        head = bytes((wire.R1,)) + wire.server_cid(self._old.cid_s) + self._nonce
        return head + seal(schedule.resume_request_key(self._old.resume_secret, self._nonce), head, b"")

    def _on_r2(self, r2: bytes) -> None:
        nonce, sealed = wire.read_r2(r2)
        answer = schedule.resume_answer(self._old.resume_secret, self._sent, nonce)
        cid_s = open_sealed(answer.key(), bytes((wire.R2,)) + nonce, sealed)
        self._finish(answer.out(sealed), self._check_cid(cid_s, self._old.cid_c), self._old.cid_c)
