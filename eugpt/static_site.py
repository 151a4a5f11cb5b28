"""Serves files in front of Django: the front end's static export, and Django's own static files.

Everything is looked up once at start, straight from the export folder and the installed apps, so
there is no collectstatic. Requests that match no file pass through to Django untouched.
"""

from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from asgiref.typing import ASGI3Application
from django.contrib.staticfiles import finders
from servestatic import ServeStaticASGI

# The export starts itself with inline scripts; everything else comes from this origin.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


def _add_headers(headers: Headers, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    if path.endswith(".html"):
        headers["Cache-Control"] = "no-cache"
        headers["Content-Security-Policy"] = PAGE_POLICY
        headers["X-Frame-Options"] = "DENY"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"


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
