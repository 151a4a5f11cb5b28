"""What all people have in common: an account, refusals that are obeyed, and Locust's events.

Run by Locust (`locustfile.py`). A person stays for a while, leaves, and somebody else comes.
"""

from __future__ import annotations

import random
import secrets
import time
from contextlib import suppress
from typing import Any

import gevent
from locust import HttpUser, between, task
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_STOPPING
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import Timeout

from deploy.load.record import Record
from deploy.load.replies import Reply, Talk, refusal_s

PASSWORD = "correct horse battery staple"  # of made-up accounts that only a load test has
_NOT_NOW = (429, 503)
_SHORT_S = 3.0  # a wait that is waited to its end even when the run ends

record = Record()


class Unexpected(Exception):
    """EuGPT did what it must not: the run fails."""


class Person(HttpUser):
    """Somebody with a browser or a program. Subclasses have tasks and `arrive`."""

    abstract = True
    wait_time = between(1, 6)
    transport = ""

    def on_start(self) -> None:
        self.rng = random.Random()
        self._begin()

    def on_stop(self) -> None:
        with suppress(StopUser, Unexpected):
            self.leave()

    def _begin(self) -> None:
        self.talk = Talk(self.rng)
        self.token = ""
        self.name = f"load_{secrets.token_hex(8)}"
        self.client.cookies.clear()
        self.arrive()

    @task(1)
    def give_place(self) -> None:
        """Leave; somebody else sits down here."""
        self.leave()
        self._begin()

    def arrive(self) -> None:
        """Do what must be done before the first task."""

    def leave(self) -> None:
        """Close what is open; a member signs out."""
        if self.token:
            self.post("/api/auth/logout", {}, good=204)
            self.token = ""

    # --- requests

    def register(self) -> None:
        body = {"username": self.name, "password": PASSWORD}
        self.token = self.post("/api/auth/register", body, good=201)["token"]

    def sign_in_again(self) -> None:
        """A new access token for the refresh cookie, as the page gets one."""
        self.token = ""
        self.token = self.post("/api/auth/refresh", {})["token"]

    def get(self, path: str, name: str) -> Any:
        return self._call("GET", path, name, None, 200)

    def post(self, path: str, body: Any, *, name: str = "", good: int = 200) -> Any:
        return self._call("POST", path, name or path, body, good)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def _call(self, method: str, path: str, name: str, body: Any, good: int) -> Any:
        """The JSON of an answer; refusals with a time are obeyed, others are failures."""
        is_first = True
        while True:
            begin = time.monotonic()
            with self.client.request(
                method, path, json=body, headers=self.headers(), name=name, catch_response=True
            ) as response:
                ms = (time.monotonic() - begin) * 1e3
                if response.status_code == good:
                    record.request(name, ms, "")
                    return response.json() if response.content else None
                wait_s = self.refused(response, may_be_stale=is_first)
                is_first = False
                error = "" if wait_s is not None else said(response)
                record.request(name, ms, error)
                if error and not (response.status_code == 401 and self.token):
                    response.failure(error)
                    raise Unexpected(f"{name}: {error}")
                response.success()
            if wait_s is None:
                self.sign_in_again()  # an access token lives ten minutes
            else:
                self.sleep(wait_s)

    def refused(self, response: Any, *, may_be_stale: bool) -> float | None:
        """Seconds to wait where it said "not now" and when, else None.

        A kept connection that the server has closed meanwhile is no failure: browsers, too, ask
        once more over a new one.
        """
        if may_be_stale and not response.status_code and _is_cut(response.error):
            record.asked_again()
            return 0.0
        if response.status_code not in _NOT_NOW:
            return None
        try:
            body = response.json()
        except ValueError:
            return None
        retry_after = response.headers.get("Retry-After", "")
        return self.turned_away(body.get("error", body), retry_after)

    def turned_away(self, body: dict[str, Any], retry_after: str = "") -> float | None:
        """Count a refusal apart from failures; how long to wait, None if it names no time."""
        wait_s = refusal_s(body, retry_after)
        if wait_s is None:
            return None
        record.turned_away(body["code"], wait_s)
        self._fire("turned away", body["code"], wait_s * 1e3, "")
        return wait_s

    # --- replies

    def heard(self, reply: Reply, *finish_reasons: str) -> None:
        """Book a reply that has ended; a failure when anything about it is wrong."""
        error = reply.wrong(*(finish_reasons or ("stop", "length")))
        record.reply(reply, error)
        self._fire(reply.transport, "whole reply", reply.whole_ms or 0.0, error)
        for name, ms in (("ttft", reply.ttft_ms), ("inter-token p95", reply.gap_p95_ms)):
            if ms is not None:
                self._fire(reply.transport, name, ms, "")

    def _fire(self, kind: str, name: str, ms: float, error: str) -> None:
        self.environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=ms,
            response_length=0,
            exception=Unexpected(error) if error else None,
            context={},
        )

    def nap(self, low_s: float, high_s: float) -> None:
        self.sleep(self.rng.uniform(low_s, high_s))

    def sleep(self, seconds: float) -> None:
        """Wait, perhaps for hours; goes home (StopUser) when Locust wants everybody to go."""
        end = time.monotonic() + seconds
        while (left_s := end - time.monotonic()) > 0:
            if self._state == LOCUST_STATE_STOPPING and seconds > _SHORT_S:
                raise StopUser
            gevent.sleep(min(left_s, 1))


def _is_cut(error: Any) -> bool:
    return isinstance(error, RequestsConnectionError) and not isinstance(error, Timeout)


def said(response: Any) -> str:
    """What an answer of the wrong status said."""
    if not response.status_code:
        return f"no answer: {response.error}"
    code = ""
    with suppress(ValueError, AttributeError, TypeError):
        body = response.json()
        code = body.get("error", body).get("code", "")
    return f"{response.status_code} {code}".strip()
