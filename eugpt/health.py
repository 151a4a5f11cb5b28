"""Is EuGPT able to answer? `/api/health` checks what a reply needs, `/livez` only the process."""

import logging
from dataclasses import dataclass
from typing import Any

import redis.exceptions
from django.db import Error as DatabaseError
from django.http import HttpRequest, JsonResponse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.generation.workers import workers_alive
from chat.models import Generation, Status
from inference.public import active_checkpoint_name

logger = logging.getLogger(__name__)

OK, FAILED = "ok", "error"


@dataclass(frozen=True, slots=True)
class Health:
    """The state of what a reply needs."""

    database: str
    redis: str
    workers: int
    precisions: list[str]
    model: str | None
    queue_depth: int

    @property
    def is_ok(self) -> bool:
        return self.database == OK and self.redis == OK and self.workers > 0

    def body(self) -> dict[str, Any]:
        checks = {"database": self.database, "redis": self.redis, "workers": self.workers}
        return {
            "status": "ok" if self.is_ok else "degraded",
            "checks": checks,
            "model": self.model,
            "precisions": self.precisions,
            "queue_depth": self.queue_depth,
        }


def _database_state() -> tuple[str, str | None, int]:
    """State, active checkpoint and number of queued generations."""
    try:
        depth = Generation.objects.filter(status=Status.QUEUED).count()
        return OK, active_checkpoint_name(), depth
    except DatabaseError as error:
        logger.warning("health: the database does not answer: %s", error)
        return FAILED, None, 0


def _redis_state() -> tuple[str, int, list[str]]:
    """State, number of live generate workers, and what they compute in."""
    try:
        workers = workers_alive().values()
        return OK, len(workers), sorted({worker.precision for worker in workers})
    except redis.exceptions.RedisError as error:
        logger.warning("health: Redis does not answer: %s", error)
        return FAILED, 0, []


def health_check() -> Health:
    """Ask the database and Redis now."""
    database, model, queue_depth = _database_state()
    redis_state, workers, precisions = _redis_state()
    return Health(database, redis_state, workers, precisions, model, queue_depth)


class HealthChecks(serializers.Serializer[Any]):
    database = serializers.CharField(help_text="ok or error")
    redis = serializers.CharField(help_text="ok or error")
    workers = serializers.IntegerField()


class HealthOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["ok", "degraded"])
    checks = HealthChecks()
    model = serializers.CharField(allow_null=True)
    precisions = serializers.ListField(
        child=serializers.CharField(), help_text="what the workers compute in: fp32, bf16 or int8"
    )
    queue_depth = serializers.IntegerField()


class HealthView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        responses={
            code: OpenApiResponse(HealthOutput, about, [OpenApiExample(about, health.body())])
            for code, about, health in (
                (200, "All checks pass.", Health(OK, OK, 1, ["int8"], "eugpt-36m", 0)),
                (503, "A check fails.", Health(OK, OK, 0, [], "eugpt-36m", 3)),
            )
        },
        operation_id="health",
        tags=["system"],
    )
    def get(self, request: Request) -> Response:
        """Whether EuGPT can answer: 200 when all checks pass, else 503."""
        health = health_check()
        code = status.HTTP_200_OK if health.is_ok else status.HTTP_503_SERVICE_UNAVAILABLE
        return Response(health.body(), status=code, headers={"Cache-Control": "no-store"})


async def livez(request: HttpRequest) -> JsonResponse:
    """The process lives; nothing else is asked."""
    return JsonResponse({"status": "ok"})
