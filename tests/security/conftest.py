"""Web processes of their own."""

from tests.sockets.conftest import new_web

__all__ = ["new_web"]
