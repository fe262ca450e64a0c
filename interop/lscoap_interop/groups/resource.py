"""Where members ask their owner, in their sessions: a resource of aiocoap."""

from __future__ import annotations

from collections.abc import Callable

from aiocoap import Message, resource
from aiocoap.numbers import codes

from ..crypto import Malformed
from ..session import Session
from . import messages
from .member import Unknown
from .owner import Owner


class GroupResource(resource.Resource):
    """For `/.well-known/lscoap/group` of a site inside `SecureSite`."""

    def __init__(self, owner: Owner, device_of: Callable[[Session], bytes]) -> None:
        """`device_of` says whose session one is."""
        super().__init__()
        self._owner, self._device_of = owner, device_of

    async def render_post(self, request: Message) -> Message:
        """JOIN, SYNC or LEAVE to an ASK; a LEAVE puts who sends it out."""
        device_id = self._device_of(request.remote.security_context.session)
        try:
            if request.payload[:1] == bytes((messages.LEAVE,)):
                messages.read_leave(request.payload)
                self._owner.rekey(without=device_id)
                return Message(code=codes.CHANGED)
            answer = self._owner.answer_ask(device_id, request.payload)
        except Malformed:
            return Message(code=codes.BAD_REQUEST)
        except Unknown:
            answer = messages.write_leave(messages.read_ask(request.payload)[0])
        return Message(code=codes.CHANGED, content_format=messages.CONTENT_FORMAT, payload=answer)
