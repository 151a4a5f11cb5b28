"""The routes of /v1 without a worker: keys, models, refusals, limits, all in OpenAI's shape."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.authentication import ApiKeyAuthentication
from accounts.keys import key_create, key_list
from accounts.models import User
from accounts.services import user_suspend
from chat.models import Generation
from inference.models import Checkpoint
from tests.accounts.clients import client_for, user_make
from tests.support.tiny_model import build_tiny_checkpoint

# The completions view works in a thread of its own.
pytestmark = pytest.mark.django_db(transaction=True)

HELLO = {"model": "eugpt", "messages": [{"role": "user", "content": "hello"}], "stream": True}


@pytest.fixture
def user() -> User:
    return user_make()


@pytest.fixture
def api(user: User) -> Client:
    _, secret = key_create(user=user, name="test")
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def tiny(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = build_tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny")
    call_command("load_checkpoint", str(folder))


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids that were queued; no worker runs in these tests."""
    from chat.tasks import run_generation

    ids: list[str] = []
    monkeypatch.setattr(run_generation, "delay", ids.append)
    return ids


def error_of(response: Any) -> tuple[int, str, str, str | None]:
    """Status, type, code and param of an error in OpenAI's shape."""
    body = response.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert isinstance(error["message"], str)
    assert error["message"]
    return response.status_code, error["type"], error["code"], error["param"]


def ask(api: Client, **fields: Any) -> Any:
    body = {**HELLO, **fields}
    return api.post("/v1/chat/completions", body, content_type="application/json")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/eugpt", "/v1/chat/completions"])
@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "not_authenticated"),
        ("Basic abc", "not_authenticated"),
        ("Bearer", "invalid_api_key"),
        ("Bearer eugpt-wrong", "invalid_api_key"),
        ("Bearer sk-proj-abc", "invalid_api_key"),
        ("Bearer é", "invalid_api_key"),
    ],
)
def test_a_key_is_needed(path: str, header: str, code: str) -> None:
    client = Client(headers={"Authorization": header} if header else {})
    method: Callable[..., Any] = client.post if "chat" in path else client.get
    response = method(path)
    assert error_of(response) == (401, "authentication_error", code, None)
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response["x-request-id"].startswith("req_")


def test_a_session_token_is_no_key(user: User) -> None:
    assert error_of(client_for(user).get("/v1/models"))[2] == "invalid_api_key"


def test_a_revoked_key_and_a_suspended_user_are_refused(user: User, api: Client) -> None:
    user_suspend(user=user)
    assert error_of(api.get("/v1/models"))[:3] == (403, "permission_error", "suspended")
    user.is_active = True
    user.save()
    assert api.get("/v1/models").status_code == 200
    key_list(user=user).delete()
    assert error_of(api.get("/v1/models"))[2] == "invalid_api_key"


def test_models_are_the_active_one(api: Client, tiny: None) -> None:
    listed = api.get("/v1/models").json()
    created = int(Checkpoint.objects.get().loaded_at.timestamp())
    model = {"id": "tiny", "object": "model", "created": created, "owned_by": "eugpt"}
    assert listed == {"object": "list", "data": [model]}
    assert api.get("/v1/models/tiny").json() == api.get("/v1/models/eugpt/").json() == model
    unknown = api.get("/v1/models/gpt-4o")
    assert error_of(unknown) == (404, "invalid_request_error", "model_not_found", "model")


def test_without_a_model_nothing_is_listed_and_nothing_answered(api: Client) -> None:
    assert api.get("/v1/models").json()["data"] == []
    refused = ask(api)
    assert error_of(refused)[:3] == (503, "server_error", "model_unavailable")
    assert refused["Retry-After"] == "10"


def test_a_generation_belongs_to_the_user_and_keeps_no_text(
    api: Client, user: User, tiny: None, sent: list[str]
) -> None:
    response = ask(api)
    generation = Generation.objects.get()
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/event-stream")
    assert response["X-Generation-Id"] == str(generation.pk) == sent[0]
    assert (generation.user, generation.owner_key) == (user, f"u:{user.pk}")
    assert (generation.message, generation.conversation) == (None, None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"model": "gpt-4o"}, (404, "invalid_request_error", "model_not_found", "model")),
        ({"colour": 1}, (400, "invalid_request_error", "bad_params", "colour")),
        ({"temperature": 9}, (400, "invalid_request_error", "bad_params", "temperature")),
        ({"max_tokens": 0}, (400, "invalid_request_error", "bad_params", "max_tokens")),
        (
            {"max_completion_tokens": -1},
            (400, "invalid_request_error", "bad_params", "max_tokens"),
        ),
        ({"logit_bias": {"99999": 1}}, (400, "invalid_request_error", "bad_params", "logit_bias")),
        (
            {"messages": [{"role": "system", "content": "x"}]},
            (400, "invalid_request_error", "invalid", "messages"),
        ),
        (
            {"messages": [{"role": "user", "content": "a b c " * 600}]},
            (400, "invalid_request_error", "prompt_too_long", "messages"),
        ),
        ({"\ud800": 1}, (400, "invalid_request_error", "invalid", None)),
        (
            {"messages": [{"role": "user", "content": "\ud800"}]},
            (400, "invalid_request_error", "invalid", None),
        ),
    ],
)
def test_refusals_name_the_param_and_write_nothing(
    api: Client, tiny: None, sent: list[str], fields: dict[str, Any], expected: Any
) -> None:
    assert error_of(ask(api, **fields)) == expected
    assert not Generation.objects.exists()
    assert not sent


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "nonsense", '{"n": NaN}', "[" * 20_000, b"\xff\xfe"]
)
def test_malformed_bodies_are_answered(api: Client, tiny: None, body: str | bytes) -> None:
    response = api.post("/v1/chat/completions", body, content_type="application/json")
    assert error_of(response)[:2] == (400, "invalid_request_error")


def test_wrong_paths_methods_and_types_have_the_shape(api: Client) -> None:
    kind = "invalid_request_error"
    assert error_of(api.get("/v1/nothing")) == (404, kind, "not_found", None)
    assert error_of(api.post("/v1/models")) == (405, kind, "method_not_allowed", None)
    assert error_of(api.get("/v1/chat/completions")) == (405, kind, "method_not_allowed", None)
    form = api.post("/v1/chat/completions", {"a": "b"})
    assert error_of(form) == (415, kind, "unsupported_media_type", None)


def test_limits_are_told_on_every_answer(
    api: Client, user: User, tiny: None, settings: Settings
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "prompt": "2 per minute"}

    def told(response: Any) -> tuple[str, str]:
        assert response["x-ratelimit-limit-requests"] == "2"
        reset = response["x-ratelimit-reset-requests"]
        assert 0 <= int(reset.removesuffix("s")) <= 60
        return response["x-ratelimit-remaining-requests"], reset

    assert told(api.get("/v1/models")) == ("2", "0s")
    assert told(ask(api))[0] == "1"
    assert told(ask(api, temperature=9))[0] == "1"
    assert told(ask(api))[0] == "0"
    refused = ask(api)
    assert error_of(refused)[:3] == (429, "rate_limit_error", "rate_limited")
    assert told(refused)[0] == "0"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert told(api.get("/v1/models"))[0] == "0"


def test_the_limit_is_the_one_of_all_transports(
    api: Client, user: User, tiny: None, settings: Settings
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "prompt": "1 per minute"}
    assert ask(api).status_code == 200
    chat = client_for(user).post("/api/chat", {"message": "hello"})
    assert (chat.status_code, chat.json()["code"]) == (429, "rate_limited")


def test_without_limits_no_limit_is_told(api: Client, settings: Settings) -> None:
    settings.LIMITS_ENABLED = False
    assert not any("ratelimit" in name.lower() for name in api.get("/v1/models").headers)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions"])
def test_a_database_that_is_away_is_a_503(
    api: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The headers of limits must not ask for the user again."""

    def no_connection(*_: Any) -> None:
        raise OperationalError("couldn't get a connection after 4.00 sec")

    monkeypatch.setattr(ApiKeyAuthentication, "authenticate", no_connection)
    if path.endswith("models"):
        refused = api.get(path)
    else:
        refused = api.post(path, HELLO, content_type="application/json")
    assert error_of(refused)[:3] == (503, "server_error", "unavailable")
    assert refused["retry-after"]
