"""The user's own account: settings and name."""

from typing import Any

import pytest

from accounts.models import User
from inference.public import params_schema
from tests.accounts.clients import client_for, error_of, user_make

pytestmark = pytest.mark.django_db
URL = "/api/auth/me"


def test_me_has_no_settings_at_first() -> None:
    body = client_for(user_make()).get(URL).json()
    assert body["settings"] == {}


def test_settings_are_kept_and_given_back() -> None:
    client = client_for(user_make())
    sampling = {
        "temperature": 0.9,
        "top_k": 20,
        "top_p": 0.95,
        "min_p": 0.05,
        "repetition_penalty": 1.1,
        "max_tokens": 64,
    }
    response = client.patch(URL, {"settings": {"sampling": sampling}})
    assert response.status_code == 200
    assert response.json() == client.get(URL).json()
    assert response.json()["settings"] == {"sampling": sampling}


def test_sampling_is_replaced_as_a_whole() -> None:
    client = client_for(user_make())
    client.patch(URL, {"settings": {"sampling": {"temperature": 0.9, "top_k": 20}}})
    changed = client.patch(URL, {"settings": {"sampling": {"top_k": 30, "top_p": None}}})
    assert changed.json()["settings"] == {"sampling": {"top_k": 30}}


@pytest.mark.parametrize("nothing", [None, {}, {"top_k": None}])
def test_sampling_is_cleared(nothing: Any) -> None:
    client = client_for(user_make())
    client.patch(URL, {"settings": {"sampling": {"top_k": 20}}})
    assert client.patch(URL, {"settings": {"sampling": nothing}}).json()["settings"] == {}
    assert User.objects.get().settings == {}


@pytest.mark.parametrize("body", [{}, {"settings": {}}])
def test_what_is_not_named_stays(body: dict[str, Any]) -> None:
    client = client_for(user_make())
    client.patch(URL, {"settings": {"sampling": {"top_k": 20}}})
    response = client.patch(URL, body)
    assert response.status_code == 200
    assert response.json()["settings"] == {"sampling": {"top_k": 20}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"is_staff": True}, "is_staff"),
        ({"settings": None}, "settings"),
        ({"settings": {"theme": "dark"}}, "settings.theme"),
        ({"settings": {"sampling": []}}, "settings.sampling.non_field_errors"),
        ({"settings": {"sampling": {"seed": 1}}}, "settings.sampling.seed"),
        ({"settings": {"sampling": {"top_k": "1"}}}, "settings.sampling.top_k"),
        ({"settings": {"sampling": {"top_k": 1.5}}}, "settings.sampling.top_k"),
        ({"settings": {"sampling": {"top_k": True}}}, "settings.sampling.top_k"),
        ({"settings": {"sampling": {"top_p": "1"}}}, "settings.sampling.top_p"),
        ({"settings": {"sampling": {"top_p": True}}}, "settings.sampling.top_p"),
        ({"settings": {"sampling": {"temperature": 10**400}}}, "settings.sampling.temperature"),
    ],
)
def test_bad_settings_are_refused(body: dict[str, Any], field: str) -> None:
    client = client_for(user_make(settings={"sampling": {"top_k": 20}}))
    response = client.patch(URL, body)
    assert error_of(response) == (400, "invalid")
    assert set(response.json()["fields"]) == {field}
    assert User.objects.get().settings == {"sampling": {"top_k": 20}}


@pytest.mark.parametrize("name", ["temperature", "top_k", "top_p", "min_p", "max_tokens"])
def test_sampling_has_the_ranges_of_prompts(name: str) -> None:
    client = client_for(user_make())
    schema = params_schema()["properties"][name]
    for value, code in [
        (schema["minimum"], 200),
        (schema["maximum"], 200),
        (schema["minimum"] - 1, 400),
        (schema["maximum"] + 1, 400),
    ]:
        body = {"settings": {"sampling": {name: value}}}
        assert client.patch(URL, body).status_code == code, value


def test_name_is_changed_and_signs_in() -> None:
    client = client_for(user_make("ana"))
    response = client.patch(URL, {"username": "anna"})
    assert response.json()["username"] == "anna"
    assert client.patch(URL, {"username": "Anna"}).json()["username"] == "Anna"
    assert client.get(URL).json()["username"] == "Anna"


def test_taken_name_changes_nothing() -> None:
    user_make("ben")
    client = client_for(user_make("ana"))
    body = {"username": "BEN", "settings": {"sampling": {"top_k": 20}}}
    assert error_of(client.patch(URL, body)) == (409, "username_taken")
    assert client.get(URL).json()["username"] == "ana"
    assert client.get(URL).json()["settings"] == {}


@pytest.mark.parametrize("username", ["ab", "a" * 33, "a b c", "änne", "", None, 12345])
def test_bad_name_is_refused(username: Any) -> None:
    response = client_for(user_make()).patch(URL, {"username": username})
    assert error_of(response) == (400, "invalid")
    assert set(response.json()["fields"]) == {"username"}


def test_renaming_is_limited_for_each_user() -> None:
    user_make("ben")
    client = client_for(user_make("ana"))
    for _ in range(10):
        assert client.patch(URL, {"username": "ben"}).status_code == 409
    assert error_of(client.patch(URL, {"username": "ben"})) == (429, "rate_limited")
    assert client.patch(URL, {"settings": {}}).status_code == 200
    assert client_for(user_make("cy")).patch(URL, {"username": "cyd"}).status_code == 200
