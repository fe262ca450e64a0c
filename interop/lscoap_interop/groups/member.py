"""A member: what it asks, what it opens and in which order, what its failures cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ..crypto import TAG, Malformed, Unverified, verify
from ..session import Replay
from . import messages
from .keys import MODES, SIGNED, ModeKeys, credential, gid_of
from .messages import ANSWERS, DELEGATE, DELEGATED, TIMED, Join
from .objects import Request, check_tag, open_request, proof_length, read_form, seal_answer

TICK_MS = 64
TICKS_A_SECOND = 16
DELEGATE_AHEAD = 160
HINTS_OFF_MS = 600_000


class Unknown(ValueError):
    """A group, a mode, an epoch or a kid that is none of one's own."""


class Unexpected(ValueError):
    """A message of the right form at the wrong time."""


class AskFirst(ValueError):
    """It may be genuine; who has asked its owner can tell."""


class Budget(ValueError):
    """Too many requests have failed: it is not looked at."""


class NoMember(Exception):
    """The owner says so."""


@dataclass
class _Bucket:
    """Failures that may be had at once, and the ms after which there is one more."""

    most: int
    period_ms: int

    def __post_init__(self) -> None:
        self._level, self._at = self.most * self.period_ms, 0

    def has(self, now_ms: int) -> bool:
        self._level = min(self.most * self.period_ms, self._level + now_ms - self._at)
        self._at = now_ms
        return self._level >= self.period_ms

    def pay(self) -> None:
        self._level -= self.period_ms


class Failures:
    """What failed verifications cost; full after a JOIN."""

    def __init__(self, period_ms: int) -> None:
        """`period_ms` is T."""
        self._above, self._other = _Bucket(4, period_ms), _Bucket(2, 4 * period_ms)
        self._highest = 0

    def check(self, number: int, now_ms: int) -> None:
        """Raises Budget where this number cannot be paid for."""
        if not self._bucket(number).has(now_ms):
            raise Budget("too many requests have failed")

    def failed(self, number: int) -> None:
        """It is paid."""
        self._bucket(number).pay()
        self._highest = max(self._highest, number)

    def succeeded(self) -> None:
        """What failed before is forgotten; what it has cost is not."""
        self._highest = 0

    def _bucket(self, number: int) -> _Bucket:
        return self._above if number > self._highest else self._other


class Member:
    """One device in one group. Times are ms that only go on; `options` is as in `objects.Request`."""

    def __init__(self, *, max_age_s: int = 0, period_ms: int = 1000, delegates: bool = False) -> None:
        """With `delegates` it also takes a JOIN of a group with a delegate; `max_age_s` 0 is any age."""
        self.max_age_s, self._period_ms, self._delegates = max_age_s, period_ms, delegates
        self.join: Join | None = None
        self.keys: dict[int, ModeKeys] = {}
        self.floor = 0
        self._asked: tuple[int, int] | None = None  # group and time of the ASK that waits
        self._first, self._since = 0, 0
        self._hinted, self._hints_off_until = False, 0
        self._failures = Failures(period_ms)

    # membership

    def ask(self, now_ms: int) -> bytes:
        """An ASK."""
        group, epoch = (self.join.group, self.join.epoch) if self.join else (0, 0)
        self._asked = group, now_ms
        return messages.write_ask(group, epoch)

    def answer(self, message: bytes) -> None:
        """The answer to the last ASK; raises NoMember, Unexpected or Malformed."""
        if self._asked is None:
            raise Unexpected("nothing was asked")
        group, asked_ms = self._asked
        kind = message[0] if message else 0
        if kind == messages.LEAVE:
            if messages.read_leave(message) != group:
                raise Unexpected("this is about another group")
            self.join, self.keys, self._asked = None, {}, None
            raise NoMember
        if kind == messages.SYNC:
            number, epoch, floor = messages.read_sync(message)
            if self.join is None or (number, epoch) != (self.join.group, self.join.epoch):
                raise Unexpected("this is about another group or epoch")
            self.floor = max(self.floor, floor)
            if self._hinted:
                self._hints_off_until = asked_ms + HINTS_OFF_MS
        else:
            join = messages.read_join(message, self._delegates)
            if join.flags & DELEGATE or (group and join.group != group):
                raise Unexpected("this is for somebody else, or about another group")
            floor = join.floor
            self._take(join)
            self._hints_off_until = 0
        self._hinted, self._asked = False, None
        ahead = DELEGATE_AHEAD if self.join and self.join.flags & DELEGATED else 0
        self._first, self._since = floor - ahead, asked_ms

    def _take(self, join: Join) -> None:
        held = self.join
        same = held and (held.group, held.pk_owner) == (join.group, join.pk_owner) and join.epoch <= held.epoch
        self.floor = max(self.floor, join.floor) if same else join.floor
        self.join = join
        self.keys = {
            mode: ModeKeys.derive(join.ms, gid_of(join.group, join.epoch, mode)) for mode in MODES if join.flags & mode
        }
        self._failures = Failures(self._period_ms)

    def notice(self, message: bytes) -> bool:
        """Whether an ASK is due after this NOTICE."""
        group, epoch = messages.read_notice(message)
        if self.join is None or group != self.join.group:
            raise Unknown("this is about another group")
        return epoch > self.join.epoch

    # requests

    def open_request(self, sealed: bytes, options: bytes = b"", now_ms: int = 0) -> tuple[bytes, Request]:
        """The plaintext; raises Malformed, Unknown, AskFirst, Replay, Budget or Unverified, and gives nothing out."""
        form, rest = read_form(sealed)
        join = self.join
        if join is None or form.group != join.group or form.mode not in self.keys:
            raise Unknown("of another group, or in a mode that is not used")
        length = proof_length(form.mode, join.slots)
        if len(rest) < 1 + TAG + length:
            raise Malformed("a request has a code, a tag and a proof")
        self._check_epoch((form.epoch - join.epoch) % 64, now_ms)
        if form.number < self.floor:
            raise Replay("this number was used, or overtaken")
        estimate = self._first + (now_ms - self._since) // TICK_MS
        if join.flags & TIMED and self.max_age_s and abs(form.number - estimate) > self.max_age_s * TICKS_A_SECOND:
            raise AskFirst("too old, or too far ahead")
        self._failures.check(form.number, now_ms)
        request = Request(form, options, credential(join.pk_owner))
        sender = credential(join.pk_sender)
        if form.mode == SIGNED:
            prove = partial(verify, join.pk_sender)
        else:
            prove = partial(check_tag, join.kid, join.vk)

        def check(proof: bytes, signed: bytes) -> None:
            try:
                prove(proof, signed)
            except Unverified:
                self._failures.failed(form.number)
                raise

        plaintext = open_request(self.keys[form.mode], request, sender, rest, length, check)
        self.floor = form.number + 1
        self._failures.succeeded()
        return plaintext, request

    def seal_answer(self, request: Request, plaintext: bytes) -> bytes:
        """The object of this member's answer."""
        join = self.join
        if join is None or not join.flags & ANSWERS or self.keys[request.form.mode].gid != request.form.gid:
            raise Unexpected("there is nothing to answer with")
        keys, own = self.keys[request.form.mode], credential(join.pk_member)
        key = keys.answer_key(join.kid, own, credential(join.pk_sender), join.shared)
        return seal_answer(keys, request, join.kid, key, own, plaintext)

    def _check_epoch(self, ahead: int, now_ms: int) -> None:
        if ahead >= 32 or (ahead and now_ms < self._hints_off_until):
            raise Unknown("of an older epoch, or said to be of a newer one")
        if ahead:
            self._hinted = True
            raise AskFirst("there may be a new epoch")
