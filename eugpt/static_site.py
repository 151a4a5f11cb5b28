"""Serves files in front of Django: the front end's static export, and Django's own static files.

Everything is looked up once at start, straight from the export folder and the installed apps, so
there is no collectstatic. Requests that match no file pass through to Django untouched.
"""

import re
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from asgiref.typing import ASGI3Application
from django.contrib.staticfiles import finders
from servestatic import ServeStaticASGI

# What a page may not use, whoever asks: the browser's sensors and payment.
PERMISSIONS = (
    "camera=(), microphone=(), geolocation=(), usb=(), serial=(), midi=(), "
    "payment=(), display-capture=(), browsing-topics=()"
)
POLICY_TAG = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)"')
# What a policy in a page cannot say; also the policy of a page that has none.
NO_FRAMES = "frame-ancestors 'none'"


def page_headers(html: str) -> dict[str, str]:
    """The headers of an exported page; its policy is the one that the build wrote into it."""
    written = POLICY_TAG.search(html)
    policy = f"{written[1]}; {NO_FRAMES}" if written else f"default-src 'self'; {NO_FRAMES}"
    return {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS,
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def _add_headers(headers: Headers, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    if path.endswith(".html"):
        for name, value in page_headers(Path(path).read_text(encoding="utf-8")).items():
            headers[name] = value
    elif path.endswith(".webmanifest"):
        headers["Content-Type"] = "application/manifest+json"


class StaticSite(ServeStaticASGI):
    """The export at `/` (`/login/` is `login/index.html`), Django's static files below `prefix`."""

    def __init__(self, application: ASGI3Application, *, export_dir: Path, prefix: str) -> None:
        super().__init__(
            application,
            index_file=True,
            max_age=0,
            allow_all_origins=False,
            immutable_file_test=r"^/_next/static/",
            add_headers_function=_add_headers,
        )
        if (export_dir / "index.html").is_file():
            self.add_files(export_dir)
        self._add_django_files(prefix)

    def _add_django_files(self, prefix: str) -> None:
        for finder in finders.get_finders():
            storage: Any
            for path, storage in finder.list(None):
                self.add_file_to_dictionary(prefix + path, storage.path(path))
