"""EUGPT_EMAIL_URL as the settings that Django's mail backends read. Knows nothing of Django.

smtp://user:password@host:587?tls=starttls · smtps://user:password@host:465 · console: (mails go to
the log, for development) · off.
"""

from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_BACKENDS = "django.core.mail.backends"
_PORTS = {"smtp": 25, "smtps": 465}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
TIMEOUT_S = 10


def email_url_check(value: str) -> str:
    """The value, if it can be used; raises ValueError with what is wrong with it."""
    if value in ("", "off", "console:"):
        return value
    url = urlsplit(value)
    if url.scheme not in _PORTS or not url.hostname:
        raise ValueError("use smtp://host:port, smtps://host:port, console: or off")
    if unknown := set(parse_qs(url.query, keep_blank_values=True)) - {"tls"}:
        raise ValueError(f"{sorted(unknown)[0]} is not known; the only option is tls=starttls")
    if url.path.strip("/") or url.fragment:
        raise ValueError("nothing but ?tls=starttls may follow the host")
    if _tls(url) not in ("", "starttls") or (_tls(url) and url.scheme == "smtps"):
        raise ValueError("tls=starttls belongs to smtp://; smtps:// is encrypted anyway")
    if url.password and url.hostname not in _LOOPBACK and not _is_encrypted(url):
        raise ValueError("a password needs smtps:// or ?tls=starttls")
    _ = url.port  # raises for one out of range
    return value


def email_settings(value: str) -> dict[str, Any]:
    """The EMAIL_* settings of a checked URL; empty where no mail is sent."""
    if value in ("", "off"):
        return {}
    if value == "console:":
        return {"EMAIL_BACKEND": f"{_BACKENDS}.console.EmailBackend"}
    url = urlsplit(value)
    return {
        "EMAIL_BACKEND": f"{_BACKENDS}.smtp.EmailBackend",
        "EMAIL_HOST": url.hostname,
        "EMAIL_PORT": url.port or _PORTS[url.scheme],
        "EMAIL_HOST_USER": unquote(url.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
        "EMAIL_USE_TLS": _tls(url) == "starttls",
        "EMAIL_USE_SSL": url.scheme == "smtps",
        "EMAIL_TIMEOUT": TIMEOUT_S,
    }


def public_origin_check(value: str) -> str:
    """An origin without a path, as `https://chat.example.org`; raises ValueError."""
    url = urlsplit(value)
    if not value:
        return value
    if url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc:
        raise ValueError("use https://host")
    if url.path not in ("", "/") or url.query or url.fragment:
        raise ValueError("only scheme, host and port, without a path")
    return value.rstrip("/")


def _tls(url: SplitResult) -> str:
    return parse_qs(url.query).get("tls", [""])[0]


def _is_encrypted(url: SplitResult) -> bool:
    return url.scheme == "smtps" or _tls(url) == "starttls"
