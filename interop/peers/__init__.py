"""The project's programs and this package, over aiocoap, with each other: what `make interop` runs."""
