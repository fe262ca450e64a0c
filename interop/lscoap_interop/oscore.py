"""A session as a security context of aiocoap's OSCORE."""

from __future__ import annotations

from typing import Any

from aiocoap import oscore
from cryptography.hazmat.primitives import hashes

from .session import Session


class Context(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):
    """Master Secret, Master Salt and ids of a session; its numbers and its replay window are the session's."""

    id_context = None
    echo_recovery = None
    authenticated_claims: list[str] = []

    def __init__(self, session: Session) -> None:
        """The session is in use by both; nothing is copied."""
        self.session = session
        self.alg_aead = oscore.algorithms["AES-CCM-16-64-128"]
        self.hashfun = hashes.SHA256()
        self.sender_id, self.recipient_id = session.sender_id, session.recipient_id
        self.recipient_replay_window = session.window
        self.derive_keys(session.master_salt, session.master_secret)

    @property
    def sender_sequence_number(self) -> int:
        """The session's next number."""
        return self.session.next_number

    @sender_sequence_number.setter
    def sender_sequence_number(self, number: int) -> None:
        self.session.next_number = number

    def post_seqnoincrease(self) -> None:
        """Nothing is stored."""

    def __repr__(self) -> str:
        """Without keys."""
        return f"<Context {self.session.cid_s.hex()}>"


class Credentials(dict[str, Any]):
    """What aiocoap's OscoreSiteWrapper asks for contexts: those of a server's sessions, made when first asked for."""

    def __init__(self, server: Any) -> None:
        """`server` is the lscoap_interop.server.Server."""
        super().__init__()
        self._server = server
        self._contexts: dict[bytes, Context] = {}

    def find_oscore(self, unprotected: dict[Any, bytes]) -> Context:
        """The context of this kid; raises KeyError, as it does for any kid context."""
        kid = unprotected.get(oscore.COSE_KID)
        session = self._server.session_of(kid) if kid else None
        if kid is None or session is None or oscore.COSE_KID_CONTEXT in unprotected:
            raise KeyError(kid)
        context = self._contexts.get(kid)
        if context is None or context.session is not session:
            context = self._contexts[kid] = Context(session)
        return context
