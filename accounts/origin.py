"""Which sites may use the refresh cookie."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from accounts.errors import ForeignOrigin


def origin_check(request: HttpRequest) -> None:
    """Refuse what a browser sends on behalf of another site; raises ForeignOrigin.

    The browser's own word (`Sec-Fetch-Site`) comes first, since a proxy may rewrite Host. A client
    that sends neither header is no browser and carries no cookie it was tricked into.
    """
    origin = request.headers.get("Origin")
    if origin in {*settings.CSRF_TRUSTED_ORIGINS, *settings.CORS_ALLOWED_ORIGINS}:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        is_own = site in {"same-origin", "none"}
    else:
        is_own = origin is None or urlsplit(origin).netloc == request.get_host()
    if not is_own:
        raise ForeignOrigin
