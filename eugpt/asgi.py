"""The web process: address, request id and headers; static files, the body cap, Django; Channels.

Nothing imported from here may import torch.
"""

# ruff: noqa: E402  the apps must be loaded before what uses them is imported

import asyncio
import os
import resource
import sys
from typing import Any, cast

from asgiref.typing import ASGI3Application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")

# Threads that build queries must not keep the event loop from its sockets for 5 ms each time.
sys.setswitchinterval(0.0005)

# Each connection is an open file, and the usual soft limit is 1,024.
FILES = 65_536
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = FILES if _hard == resource.RLIM_INFINITY else min(FILES, _hard)
if _soft < _wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_wanted, _hard))

from eugpt.memory import return_big_blocks

return_big_blocks()

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.urls import re_path

from chat.routing import websocket_urlpatterns
from eugpt.body_cap import BodyCap
from eugpt.client_address import ClientAddress
from eugpt.headers import SecurityHeaders
from eugpt.metrics.http import HttpMetrics
from eugpt.metrics.roles import web_started
from eugpt.observe import last_words, observe_start, traced
from eugpt.origins import OriginGate
from eugpt.request_ids import RequestIds
from eugpt.static_site import StaticSite

ADMIN_BODY_MAX_BYTES = 1024 * 1024

observe_start()


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Agree to start and to stop; sockets and streams end with their own tasks."""
    pulse = web_started()
    try:
        while True:
            message = await receive()
            is_over = message["type"] == "lifespan.shutdown"
            if is_over:
                await asyncio.to_thread(last_words)
            await send({"type": f"{message['type']}.complete"})
            if is_over:
                return
    finally:
        pulse.cancel()


http_application = SecurityHeaders(
    StaticSite(
        BodyCap(
            cast("ASGI3Application", django_application),
            api_bytes=settings.API_BODY_MAX_BYTES,
            other_bytes=ADMIN_BODY_MAX_BYTES,
            larger=settings.LARGER_BODIES,
        ),
        export_dir=settings.FRONTEND_DIR,
        prefix=settings.STATIC_URL,
    ),
    has_hsts=settings.IS_PRODUCTION,
)

unknown_socket = re_path(r"", WebsocketDenier.as_asgi())


def outermost(inner: Any) -> Any:
    """What requests and sockets have in common."""
    return ClientAddress(RequestIds(inner), settings.PROXY_HOPS)


application = ProtocolTypeRouter(
    {
        "http": outermost(HttpMetrics(traced(http_application))),
        "websocket": outermost(
            OriginGate(
                URLRouter([*websocket_urlpatterns, unknown_socket]),
                settings.SOCKET_ORIGINS,
            )
        ),
        "lifespan": lifespan,
    }
)
