"""lscoap in Python, written from docs/protocol.md and not from the Rust code.

For provisioning, test benches and as a second opinion: nothing here is in constant time or wiped, so keep it away from
keys that matter in production.

- `enrolment`: the strings that are exchanged at enrolment
- `crypto`, `wire`: primitives and messages
- `client`, `server`: the two roles of the handshakes, bytes in and bytes out
- `session`: keys, numbers and sealed objects
- `payload`: whole CoAP messages in the payload carrier
- `peer_client`, `peer_server`: both roles over aiocoap, in either carrier
"""
