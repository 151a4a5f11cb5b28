"""Whose address counts: proxies are believed by their number, and nobody else is."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from accounts.limits import address_key
from eugpt.client_address import ClientAddress, parse_address
from tests.support.stack import Stack

PEER = ("10.0.0.7", 41000)
ALLOWED_PER_MINUTE = 60  # of "shared", which counts by address


async def _seen(
    hops: int, headers: Sequence[tuple[bytes, bytes]], kind: str = "http"
) -> dict[str, Any]:
    """The scope that the application behind gets."""
    seen: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    scheme = "http" if kind == "http" else "ws"
    scope = {"type": kind, "client": PEER, "scheme": scheme, "headers": list(headers)}
    await ClientAddress(application, hops)(scope, None, None)
    return seen[0]


def _for(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode()) for value in values]


@pytest.mark.parametrize(
    ("hops", "values", "address"),
    [
        (0, ["203.0.113.1"], PEER[0]),
        (1, [], PEER[0]),
        (1, [""], PEER[0]),
        (1, ["203.0.113.1"], "203.0.113.1"),
        (1, ["198.51.100.66, 203.0.113.1"], "203.0.113.1"),
        (1, ["198.51.100.66", "203.0.113.1"], "203.0.113.1"),
        (2, ["198.51.100.66, 203.0.113.1, 10.0.0.9"], "203.0.113.1"),
        (2, ["10.0.0.9"], PEER[0]),  # it did not come through both
        (1, ["203.0.113.1:4711"], "203.0.113.1"),
        (1, ["[2001:db8::7]:4711"], "2001:db8::7"),
        (1, ["[2001:db8::7]"], "2001:db8::7"),
        (1, ["2001:DB8:0::7"], "2001:db8::7"),
        (1, ["fe80::1%eth0"], "fe80::1"),
        (1, ["unknown"], PEER[0]),
        (1, ["203.0.113.1, "], PEER[0]),
        (1, ["203.0.113.1\x00"], PEER[0]),
        (1, ["203.0.113.1.evil.example"], PEER[0]),
        (1, ["9" * 5000], PEER[0]),
        (1, ["\u00e9"], PEER[0]),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_the_address_is_what_the_outermost_proxy_saw(
    kind: str, hops: int, values: list[str], address: str
) -> None:
    assert (await _seen(hops, _for(*values), kind))["client"][0] == address


@pytest.mark.parametrize(
    ("hops", "value", "schemes"),
    [
        (0, b"https", ("http", "ws")),
        (1, b"https", ("https", "wss")),
        (1, b"HTTPS", ("https", "wss")),
        (1, b"https, http", ("http", "ws")),
        (2, b"https", ("https", "wss")),  # one value passed on by the inner proxy
        (2, b"https, http", ("https", "wss")),
        (1, b"javascript", ("http", "ws")),
    ],
)
async def test_the_scheme_is_what_the_outermost_proxy_says(
    hops: int, value: bytes, schemes: tuple[str, str]
) -> None:
    headers = [(b"x-forwarded-proto", value)]
    seen = [(await _seen(hops, headers, kind))["scheme"] for kind in ("http", "websocket")]
    assert tuple(seen) == schemes


@pytest.mark.parametrize("hops", [0, 1])
async def test_nothing_behind_sees_what_proxies_said(hops: int) -> None:
    said = [
        b"X-Forwarded-For",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"forwarded",
        b"x-real-ip",
    ]
    headers = [(name, b"203.0.113.1") for name in said] + [(b"host", b"localhost")]
    assert (await _seen(hops, headers))["headers"] == [(b"host", b"localhost")]


def test_an_address_of_one_household_is_one_key() -> None:
    assert address_key(parse_address("[2001:db8:1:2::7]:443")) == "2001:db8:1:2::/64"
    assert address_key(parse_address("::ffff:203.0.113.1")) == "203.0.113.1"


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_forged_headers_move_nobody_to_another_limit(stack: Stack) -> None:
    with (
        stack.more_web({"EUGPT_LIMITS": "on"}) as direct,
        stack.more_web({"EUGPT_LIMITS": "on", "EUGPT_PROXY_HOPS": "1"}) as proxied,
        httpx.Client(timeout=60) as client,
    ):

        def ask(base: str, said: str) -> int:
            headers = {"X-Forwarded-For": said, "X-Real-IP": said, "Forwarded": f"for={said}"}
            return client.get(f"{base}/api/shared/nowhere", headers=headers).status_code

        for base, last in ((direct, ""), (proxied, ", 203.0.113.50")):
            codes = {ask(base, f"198.51.100.{n}{last}") for n in range(ALLOWED_PER_MINUTE)}
            assert codes == {404}
            assert ask(base, f"198.51.100.200{last}") == 429
        assert ask(proxied, "198.51.100.1, 203.0.113.51") == 404
