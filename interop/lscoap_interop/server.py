"""The server's role of the handshakes: bytes in, bytes out."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import schedule, wire
from .crypto import Malformed, SecretKey, Unverified, open_sealed, seal, verify
from .session import Session
from .wire import Alert

HALF_OPEN_SECONDS = 30
UNCONFIRMED_SECONDS = 60
EPOCH_SECONDS = 60
ANSWERS_OF_ONE_SECRET = 1 << 16


@dataclass
class Stored:
    """What resumption needs of a confirmed session."""

    resume_secret: bytes
    cid_s: bytes
    cid_c: bytes
    device_id: bytes
    pk_c: bytes
    answered: int = 0
    resumptions: int = 0


@dataclass
class Entry:
    """A handshake, and the session that comes of it."""

    device_id: bytes
    pk_c: bytes
    cid_s: bytes
    cid_c: bytes
    begun: int
    until: float
    answers: dict[bytes, bytes] = field(default_factory=dict)
    m1: bytes = b""
    ephemeral: SecretKey | None = None
    x_c: bytes = b""
    keys: schedule.Signed | None = None
    session: Session | None = None
    confirmed: bool = False
    resumptions: int = 0


class _Refusal(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


class Server:
    """Handshakes and sessions of one server.

    `devices` maps a device id to its compressed point and is asked at each handshake. `ask_cookies` asks everybody for
    a cookie, not only when handshakes fill half of the slots. Times are seconds that only go on.
    """

    def __init__(
        self,
        identity: SecretKey,
        devices: Mapping[bytes, bytes],
        *,
        slots: int = 64,
        ask_cookies: bool = False,
        most_resumptions: int = 1000,
        new_ephemeral: Callable[[], SecretKey] = SecretKey,
        new_cid: Callable[[], bytes] | None = None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """The last three are for tests."""
        self.devices = devices
        self._identity = identity
        self._slots, self._ask_cookies, self._most_resumptions = slots, ask_cookies, most_resumptions
        self._new_ephemeral, self._random = new_ephemeral, random
        self._new_cid = new_cid or self._free_cid
        self._count = itertools.count()
        self._cookie_keys: dict[int, bytes] = {}
        self.sessions: dict[bytes, Entry] = {}
        self.stored: dict[bytes, Stored] = {}

    def step(self, message: bytes, address: bytes, now: float) -> bytes | None:
        """The answer to a handshake message: the next one, a RETRY or an ALERT. None: what looks like an alert."""
        if message and message[0] & 0x0F == 0x0F:
            return None
        self._expire(now)
        try:
            return self._step(message, address, now)
        except _Refusal as refusal:
            return wire.alert(refusal.code)
        except Malformed:
            return wire.alert(Alert.MALFORMED)
        except Unverified:
            return wire.alert(Alert.UNVERIFIED)

    def session_of(self, kid: bytes) -> Session | None:
        """The session, confirmed or not, whose client uses this kid."""
        entry = self.sessions.get(kid)
        return entry.session if entry else None

    def _step(self, message: bytes, address: bytes, now: float) -> bytes:
        proven = False
        if wire.kind(message) == wire.RETRIED:
            cookie, message = wire.read_retried(message)
            proven = self._good_cookie(cookie, address, message, now)
        for entry in self.sessions.values():
            if message in entry.answers:
                return entry.answers[message]
        if message[0] == wire.M3:
            return self._on_m3(message, now)
        begin = {wire.M1: self._on_m1, wire.X1: self._on_x1, wire.R1: self._on_r1}.get(message[0])
        if begin is None:
            raise Malformed("no message for a server")
        if not proven and self._crowded():
            epoch = int(now) // EPOCH_SECONDS
            return bytes((wire.RETRY,)) + schedule.cookie(self._cookie_key(epoch), epoch, address, message)
        return begin(message, now)

    # profiles

    def _on_m1(self, m1: bytes, now: float) -> bytes:
        cid_c, device_id, x = wire.read_m1(m1)
        entry = self._add(device_id, self._key_of(device_id), cid_c, now + HALF_OPEN_SECONDS)
        entry.m1, entry.x_c, entry.ephemeral = m1, x, self._new_ephemeral()
        m2 = bytes((wire.M2,)) + wire.server_cid(entry.cid_s) + entry.ephemeral.x
        entry.answers[m1] = m2
        return m2

    def _on_m3(self, m3: bytes, now: float) -> bytes:
        cid_s, c3 = wire.read_m3(m3)
        entry = self.sessions.get(cid_s)
        if entry is None or entry.ephemeral is None or entry.session:
            raise _Refusal(Alert.NO_SESSION)
        m2 = entry.answers[entry.m1]
        entry.keys = entry.keys or schedule.Signed.begin(
            self._identity.public, entry.m1, entry.pk_c, m2, entry.ephemeral.dh(entry.x_c)
        )
        signature = open_sealed(entry.keys.k3(), m3[: -len(c3)], c3)
        try:
            verify(entry.pk_c, signature, entry.keys.client_statement())
        except Unverified:
            del self.sessions[cid_s]
            raise
        th_3 = entry.keys.th_3(m3)
        head = bytes((wire.M4,))
        m4 = head + seal(entry.keys.k4(th_3), head, self._identity.sign(schedule.server_statement(th_3)))
        entry.answers[m3] = m4
        self._make_session(entry, entry.keys.out(th_3, m4), now)
        return m4

    def _on_x1(self, x1: bytes, now: float) -> bytes:
        x, c1 = wire.read_x1(x1)
        express = schedule.Express.begin(self._identity.public, x, self._identity.dh(x))
        cid_c, device_id = wire.read_c1(open_sealed(express.k1(), bytes((wire.X1,)), c1))
        pk_c = self._key_of(device_id)
        entry = self._add(device_id, pk_c, cid_c, now + UNCONFIRMED_SECONDS)
        ephemeral = self._new_ephemeral()
        answer = express.answer(c1, pk_c, ephemeral.x, ephemeral.dh(x), ephemeral.dh(pk_c))
        c2 = seal(answer.key(), bytes((wire.X2,)), entry.cid_s)
        entry.answers[x1] = bytes((wire.X2,)) + ephemeral.x + c2
        self._make_session(entry, answer.out(c2), now)
        return entry.answers[x1]

    def _on_r1(self, r1: bytes, now: float) -> bytes:
        cid, nonce, tag = wire.read_r1(r1)
        stored = self.stored.get(cid)
        if stored is None or self.devices.get(stored.device_id) != stored.pk_c:
            raise _Refusal(Alert.NO_SESSION)
        open_sealed(schedule.resume_request_key(stored.resume_secret, nonce), r1[: -len(tag)], tag)
        if stored.answered >= ANSWERS_OF_ONE_SECRET or stored.resumptions >= self._most_resumptions:
            raise _Refusal(Alert.NO_SESSION)
        entry = self._add(stored.device_id, stored.pk_c, stored.cid_c, now + UNCONFIRMED_SECONDS)
        entry.resumptions = stored.resumptions + 1
        own = stored.answered.to_bytes(2) + self._random(6)
        stored.answered += 1
        answer = schedule.resume_answer(stored.resume_secret, r1, own)
        head = bytes((wire.R2,)) + own
        sealed = seal(answer.key(), head, entry.cid_s)
        entry.answers[r1] = head + sealed
        self._make_session(entry, answer.out(sealed), now)
        return entry.answers[r1]

    # slots

    def _key_of(self, device_id: bytes) -> bytes:
        key = self.devices.get(device_id)
        if key is None:
            raise _Refusal(Alert.UNKNOWN_DEVICE)
        return key

    def _add(self, device_id: bytes, pk_c: bytes, cid_c: bytes, until: float) -> Entry:
        if len(self.sessions) >= self._slots:
            waiting = [entry for entry in self.sessions.values() if not entry.confirmed]
            if not waiting:
                raise _Refusal(Alert.BUSY)
            oldest = min(waiting, key=lambda entry: (entry.session is not None, entry.begun))
            del self.sessions[oldest.cid_s]
        cid_s = self._new_cid()
        while cid_s == cid_c:
            cid_s = self._new_cid()
        entry = Entry(device_id, pk_c, cid_s, cid_c, next(self._count), until)
        self.sessions[entry.cid_s] = entry
        return entry

    def _free_cid(self) -> bytes:
        while True:
            cid = os.urandom(1 if len(self.sessions) + len(self.stored) < 128 else 4)
            if cid not in self.sessions and cid not in self.stored:
                return cid

    def _make_session(self, entry: Entry, out: bytes, now: float) -> None:
        entry.session = Session(out, entry.cid_s, entry.cid_c, is_client=False)
        entry.session.on_opened = lambda: self._confirm(entry)
        entry.until = now + UNCONFIRMED_SECONDS

    def _confirm(self, entry: Entry) -> None:
        """The first record has opened: what this device had before ends."""
        if entry.confirmed or entry.session is None or self.sessions.get(entry.cid_s) is not entry:
            return
        entry.confirmed = True
        entry.answers.clear()
        entry.ephemeral = entry.keys = None
        for other in list(self.sessions.values()):
            if other.device_id == entry.device_id and other.begun < entry.begun:
                del self.sessions[other.cid_s]
        for old in list(self.stored.values()):
            if old.device_id == entry.device_id:
                del self.stored[old.cid_s]
        self.stored[entry.cid_s] = Stored(
            entry.session.resume_secret,
            entry.cid_s,
            entry.cid_c,
            entry.device_id,
            entry.pk_c,
            resumptions=entry.resumptions,
        )

    def _expire(self, now: float) -> None:
        for entry in list(self.sessions.values()):
            if not entry.confirmed and entry.until <= now:
                del self.sessions[entry.cid_s]

    # cookies

    def _crowded(self) -> bool:
        confirmed = sum(entry.confirmed for entry in self.sessions.values())
        return self._ask_cookies or 2 * (len(self.sessions) - confirmed) > self._slots - confirmed

    def _cookie_key(self, epoch: int) -> bytes:
        for old in [old for old in self._cookie_keys if old < epoch - 1]:
            del self._cookie_keys[old]
        return self._cookie_keys.setdefault(epoch, os.urandom(32))

    def _good_cookie(self, cookie: bytes, address: bytes, message: bytes, now: float) -> bool:
        epoch = int(now) // EPOCH_SECONDS
        return any(
            cookie == schedule.cookie(self._cookie_key(of), of, address, message)
            for of in (epoch - 1, epoch)
            if of >= 0
        )
