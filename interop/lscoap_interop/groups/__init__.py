"""Groups: one sealed request to many devices, written from the document and not from the Rust code.

- `keys`, `messages`, `objects`: the key schedule, what is said about membership, requests and answers
- `member`, `owner`: the two roles, bytes in and bytes out
- `oscore`: both roles as security contexts of aiocoap's Group OSCORE
"""
