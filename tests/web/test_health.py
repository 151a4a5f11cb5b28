"""`/api/health` and `/livez`."""

import json
from typing import Any

import pytest
import redis
from django.db import OperationalError
from rest_framework.test import APIClient

from accounts.store import redis_client
from chat.models import Generation, Status
from eugpt import health

pytestmark = pytest.mark.django_db


def _worker_alive(name: str = "w1") -> None:
    state = {"running": [], "slots": 4, "model": "eugpt-tiny", "precision": "fp32"}
    redis_client().sadd("eugpt:workers", name)
    redis_client().set(f"eugpt:worker:{name}", json.dumps(state), ex=5)


def test_health_is_ok_with_a_live_worker() -> None:
    _worker_alive()
    redis_client().sadd("eugpt:workers", "dead")
    Generation.objects.create(owner_key="g:1")
    Generation.objects.create(owner_key="g:1", status=Status.RUNNING)
    response = APIClient().get("/api/health")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {"database": "ok", "redis": "ok", "workers": 1},
        "model": None,
        "precisions": ["fp32"],
        "queue_depth": 1,
    }
    assert response["Cache-Control"] == "no-store"


def test_health_is_degraded_without_a_worker() -> None:
    response = APIClient().get("/api/health/")
    assert response.status_code == 503
    assert response.json()["status"] == "degraded"
    assert response.json()["checks"] == {"database": "ok", "redis": "ok", "workers": 0}


def test_health_names_the_server_that_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Any:
        raise OperationalError

    monkeypatch.setattr(health, "active_checkpoint_name", broken)
    monkeypatch.setattr(health, "workers_alive", redis.Redis(port=1).ping)
    response = APIClient().get("/api/health")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "error", "redis": "error", "workers": 0}
    assert len(caplog.records) >= 2


@pytest.mark.parametrize("path", ["/livez", "/livez/"])
def test_livez_asks_nothing(path: str) -> None:
    response = APIClient().get(path)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
