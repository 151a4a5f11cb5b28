"""`/api/health` and `/livez`."""

from typing import Any

import pytest
from django.db import OperationalError
from rest_framework.test import APIClient

from accounts.store import redis_client
from chat.models import Generation, Status
from eugpt import health

pytestmark = pytest.mark.django_db


def _worker_alive(name: str = "w1") -> None:
    redis_client().sadd(health.WORKERS_KEY, name)
    redis_client().set(health.WORKER_KEY_PREFIX + name, "1", ex=5)


def test_health_is_ok_with_a_live_worker() -> None:
    _worker_alive()
    redis_client().sadd(health.WORKERS_KEY, "dead")
    Generation.objects.create(owner_key="g:1")
    Generation.objects.create(owner_key="g:1", status=Status.RUNNING)
    response = APIClient().get("/api/health")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {"database": "ok", "redis": "ok", "workers": 1},
        "model": None,
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
    import redis

    def broken() -> Any:
        raise OperationalError

    nowhere: Any = redis.Redis(port=1, decode_responses=True)
    monkeypatch.setattr(health, "active_checkpoint_name", broken)
    monkeypatch.setattr(health, "redis_client", lambda: nowhere)
    response = APIClient().get("/api/health")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "error", "redis": "error", "workers": 0}
    assert len(caplog.records) >= 2


@pytest.mark.parametrize("path", ["/livez", "/livez/"])
def test_livez_asks_nothing(path: str) -> None:
    response = APIClient().get(path)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
