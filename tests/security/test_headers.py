"""The security headers of every kind of answer, as a browser behind the proxy gets them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from deploy.local.paths import ROOT
from eugpt.headers import ADMIN, HSTS, NOTHING
from tests.security.test_production import SAFE
from tests.support.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PERMISSIONS = (
    "camera=(), microphone=(), geolocation=(), usb=(), serial=(), midi=(), "
    "payment=(), display-capture=(), browsing-topics=()"
)
ALWAYS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": PERMISSIONS,
    "referrer-policy": "same-origin",
    "strict-transport-security": HSTS,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
LOOKED_AT = {*ALWAYS, "content-security-policy", "cache-control", "server", "x-powered-by"}
PAGE = "default-src 'self'; script-src 'self' 'sha256-x='"
PAGE_POLICY = f"{PAGE}; frame-ancestors 'none'"
OF_PAGES = {"content-security-policy": PAGE_POLICY, "cache-control": "no-cache"}
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
PRIVATE = {"content-security-policy": NOTHING, "cache-control": "no-store"}
NEVER_CACHED = "max-age=0, no-cache, no-store, must-revalidate, private"

# kind: method, path, status, what it has besides ALWAYS
ANSWERS = {
    "page": ("GET", "/", 200, OF_PAGES),
    "missing page": ("GET", "/nowhere", 404, OF_PAGES),
    "asset": (
        "GET", "/_next/static/app.js", 200,
        {"cache-control": "max-age=315360000, public, immutable"},
    ),
    "static": ("GET", "/static/admin/css/base.css", 200, {"cache-control": "max-age=0, public"}),
    "missing static": ("GET", "/static/nothing.css", 404, OF_PAGES),
    "api": ("GET", "/api/schema", 200, PRIVATE),
    "health": ("GET", "/api/health", 200, PRIVATE),
    "api without a token": ("GET", "/api/conversations", 401, PRIVATE),
    "api nowhere": ("GET", "/api/nothing", 404, PRIVATE),
    "api wrong verb": ("PUT", "/api/health", 405, PRIVATE),
    "openai's shape": ("GET", "/v1/models", 401, PRIVATE),
    "docs": (
        "GET", "/api/docs", 200,
        {"content-security-policy": DOCS_POLICY, "cache-control": "no-store"},
    ),
    "docs' script": (
        "GET", "/api/docs?script=", 200,
        {"content-security-policy": DOCS_POLICY, "cache-control": "no-store"},
    ),
    "admin sign-in": (
        "GET", "/admin/login/", 200,
        {"content-security-policy": ADMIN, "cache-control": NEVER_CACHED},
    ),
    "admin redirect": (
        "GET", "/admin/", 302, {"content-security-policy": ADMIN, "cache-control": NEVER_CACHED}
    ),
    "livez": ("GET", "/livez", 200, {"content-security-policy": NOTHING}),
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, _session_stack: Stack) -> Iterator[httpx.Client]:
    """A web process in production mode, asked as the proxy asks it."""
    _session_stack.ensure_running()
    out = tmp_path_factory.mktemp("out")
    page = f'<meta http-equiv="Content-Security-Policy" content="{PAGE}" data-deployment=""/>'
    _write(out / "index.html", page)
    _write(out / "404.html", page)
    _write(out / "_next" / "static" / "app.js", "code")
    servers = {name: _session_stack.env[name] for name in ("DATABASE_URL", "REDIS_URL")}
    env = {**SAFE, **servers, "EUGPT_FRONTEND_DIR": str(out)}
    with _session_stack.more_web(env) as url:
        headers = {"Host": "chat.example.org", "X-Forwarded-Proto": "https"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            yield client


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name in LOOKED_AT}


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_has_its_headers(site: httpx.Client, kind: str) -> None:
    method, path, status, more = ANSWERS[kind]
    answer = site.request(method, path)
    assert answer.status_code == status
    assert _headers(answer) == ALWAYS | more
    assert answer.headers["x-request-id"]


def test_a_page_that_is_not_modified_keeps_its_policy(site: httpx.Client) -> None:
    """The headers of a 304 replace those of the answer that the browser has."""
    first = site.get("/")
    again = site.get("/", headers={"If-Modified-Since": first.headers["last-modified"]})
    assert again.status_code == 304
    assert _headers(again) == ALWAYS | {"cache-control": "no-cache"}


def test_a_stream_has_them_too(site: httpx.Client) -> None:
    answer = site.post("/api/chat/guest", json={"message": "hello"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert _headers(answer) == ALWAYS | PRIVATE | {"cache-control": "no-store, no-transform"}


def test_too_large_a_body_gets_them_too(site: httpx.Client) -> None:
    answer = site.post("/api/chat/guest", content=b"x" * 70_000)
    assert answer.status_code == 413
    assert _headers(answer) == ALWAYS | PRIVATE


def test_a_foreign_host_gets_them_too(site: httpx.Client) -> None:
    answer = site.get("/api/schema", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert _headers(answer) == ALWAYS | PRIVATE


def test_what_came_without_tls_is_sent_to_https(site: httpx.Client) -> None:
    answer = site.get("/api/schema", headers={"X-Forwarded-Proto": "http"})
    assert answer.status_code == 301
    assert answer.headers["location"] == "https://chat.example.org/api/schema"
    assert "strict-transport-security" not in answer.headers


def test_the_admins_cookies_are_for_https_only(site: httpx.Client) -> None:
    cookie = site.get("/admin/login/").headers["set-cookie"]
    assert "Secure" in cookie
    assert "SameSite=Lax" in cookie


def test_the_outer_door_says_the_same() -> None:
    caddy = (ROOT / "deploy" / "Caddyfile").read_text()
    for name, value in ALWAYS.items():
        assert value in caddy, name
    assert "-Server" in caddy
    compose = yaml.safe_load((ROOT / "deploy" / "docker-compose.yml").read_text())
    assert compose["services"]["web"]["environment"]["EUGPT_PROXY_HOPS"] == "1"
