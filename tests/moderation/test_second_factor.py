"""The second factor of staff: set up, asked for, guessed at, lost, required."""

import json
import logging
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils.timezone import now
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from moderation import second_factor
from moderation.models import AuditEntry
from tests.accounts.clients import PASSWORD, client_for, user_make
from tests.accounts.test_account_export import download

pytestmark = pytest.mark.django_db
OWN, CODE = "/admin/second-factor/", "/admin/code/"


@pytest.fixture
def ada() -> User:
    return user_make("ada", is_staff=True, is_superuser=True)


def sign_in(user: User) -> Client:
    """With the password, as people do."""
    client = Client()
    form = {"username": user.username, "password": PASSWORD, "next": "/admin/"}
    assert client.post("/admin/login/", form).status_code == 302
    return client


def code_of(device: TOTPDevice, later: int = 0) -> str:
    """What the app shows; `later`: so many steps later, as each code is taken once."""
    return f"{totp(device.bin_key, drift=later):06}"


def set_up(client: Client) -> list[str]:
    """Through the pages; gives the backup codes."""
    assert client.post(OWN, {"act": "begin"}, follow=True).status_code == 200
    device = TOTPDevice.objects.get(confirmed=False)
    page = client.post(OWN, {"act": "confirm", "code": code_of(device)}).content.decode()
    return re.findall(r"<li><code>([a-z2-7]+)</code>", page)


def is_in(client: Client) -> bool:
    return bool(client.get("/admin/").status_code == 200)


def acts() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def unthrottled() -> None:
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)


def test_set_up_shows_picture_secret_and_ten_codes_once(ada: User) -> None:
    client = sign_in(ada)
    page = client.post(OWN, {"act": "begin"}, follow=True).content.decode()
    device = TOTPDevice.objects.get()
    assert "<svg" in page
    assert second_factor.secret_of(device) in page
    assert "style=" not in page
    assert is_in(client), "it does not count before it is confirmed"
    codes = set_up(client)
    assert len(set(codes)) == 10
    assert is_in(client)
    again = client.get(OWN).content.decode()
    assert not any(code in again for code in codes)
    assert device.key not in again


def test_a_wrong_code_confirms_nothing(ada: User) -> None:
    client = sign_in(ada)
    client.post(OWN, {"act": "begin"})
    page = client.post(OWN, {"act": "confirm", "code": "000000"}).content.decode()
    assert "not right" in page
    assert not TOTPDevice.objects.filter(confirmed=True).exists()


def test_the_password_alone_opens_nothing(ada: User) -> None:
    set_up(sign_in(ada))
    client = sign_in(ada)
    for path in ("/admin/", OWN, "/admin/accounts/user/", "/admin/password_change/", "/admin/x/"):
        response = client.get(path)
        assert response.status_code == 302, path
        assert response.headers["Location"].startswith(CODE), path
    response = client.post(OWN, {"act": "remove"})
    assert response.headers["Location"].startswith(CODE)
    assert TOTPDevice.objects.filter(confirmed=True).exists()


def test_the_code_opens_where_the_person_was_going(ada: User) -> None:
    set_up(sign_in(ada))
    unthrottled()
    client = sign_in(ada)
    before = client.session.session_key
    way = client.get("/admin/accounts/user/").headers["Location"]
    page = client.get(way).content.decode()
    assert 'value="/admin/accounts/user/"' in page
    code = code_of(TOTPDevice.objects.get(), later=1)
    response = client.post(CODE, {"code": code, "next": "/admin/accounts/user/"})
    assert response.headers["Location"] == "/admin/accounts/user/"
    assert client.session.session_key != before
    assert is_in(client)
    stranger = sign_in(ada)
    assert "not right" in stranger.post(CODE, {"code": code}).content.decode(), "taken already"


def test_next_leads_nowhere_else(ada: User) -> None:
    codes = set_up(sign_in(ada))
    response = sign_in(ada).post(CODE, {"code": codes[0], "next": "https://evil.example/"})
    assert response.headers["Location"] == "/admin/"


def test_each_backup_code_opens_once(ada: User) -> None:
    codes = set_up(sign_in(ada))
    client = sign_in(ada)
    typed = f" {codes[0][:4]}-{codes[0][4:]} ".upper()
    assert client.post(CODE, {"code": typed}).headers["Location"] == "/admin/"
    assert is_in(client)
    assert StaticToken.objects.count() == 9
    assert sign_in(ada).post(CODE, {"code": codes[0]}).status_code == 200


def test_what_the_database_has_of_a_backup_code_opens_nothing(ada: User) -> None:
    codes = set_up(sign_in(ada))
    stored = sorted(StaticToken.objects.values_list("token", flat=True))
    assert len(stored) == 10
    assert not any(code.lower() in token.lower() for code in codes for token in stored)
    assert sign_in(ada).post(CODE, {"code": stored[0]}).status_code == 200
    StaticDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert sign_in(ada).post(CODE, {"code": codes[0]}).status_code == 302


def test_guessing_codes_is_made_slow(ada: User) -> None:
    set_up(sign_in(ada))
    unthrottled()
    client = sign_in(ada)
    for number in range(3):
        assert "not right" in client.post(CODE, {"code": f"00000{number}"}).content.decode()
    assert TOTPDevice.objects.get().throttling_failure_count == 1, "the others came too early"
    TOTPDevice.objects.update(throttling_failure_count=8, throttling_failure_timestamp=now())
    right = code_of(TOTPDevice.objects.get(), later=1)
    page = client.post(CODE, {"code": right}).content.decode()
    assert "Too many wrong codes" in page, "also the right one has to wait"


def test_what_is_there_changes_only_with_a_code(ada: User) -> None:
    client = sign_in(ada)
    codes = set_up(client)
    for act in ("codes", "begin", "remove"):
        unthrottled()
        page = client.post(OWN, {"act": act, "code": "zzzz"}).content.decode()
        assert "errornote" in page
    assert TOTPDevice.objects.count() == 1
    client.get(OWN)
    StaticDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    page = client.post(OWN, {"act": "codes", "code": codes[0]}).content.decode()
    fresh = re.findall(r"<li><code>([a-z2-7]+)</code>", page)
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    assert client.post(OWN, {"act": "remove", "code": fresh[0]}).status_code == 302
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
    assert is_in(sign_in(ada))


def test_another_phone_takes_the_place_of_the_first(ada: User) -> None:
    client = sign_in(ada)
    codes = set_up(client)
    first = TOTPDevice.objects.get()
    client.post(OWN, {"act": "begin", "code": codes[0]})
    second = TOTPDevice.objects.get(confirmed=False)
    assert is_in(client), "the first counts until the second is confirmed"
    client.post(OWN, {"act": "confirm", "code": code_of(second)})
    assert TOTPDevice.objects.get().pk == second.pk != first.pk
    assert is_in(client)


def test_required_leads_to_the_set_up_and_nowhere_else(ada: User, settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = "required"
    client = sign_in(ada)
    for path in ("/admin/", "/admin/accounts/user/", "/admin/password_change/", CODE):
        assert client.get(path).headers["Location"].startswith((OWN, "/admin/second-factor/?")), (
            path
        )
    page = client.get(OWN).content.decode()
    assert "Staff needs a second factor" in page
    assert "/admin/accounts/user/" not in page
    set_up(client)
    assert is_in(client)
    assert "remove" not in client.get(OWN).content.decode()
    client.post(OWN, {"act": "remove", "code": code_of(TOTPDevice.objects.get(), later=1)})
    assert TOTPDevice.objects.filter(confirmed=True).exists()


def test_who_is_in_by_half_can_leave(ada: User) -> None:
    set_up(sign_in(ada))
    client = sign_in(ada)
    assert client.post("/admin/logout/").status_code == 200
    assert client.get("/admin/").headers["Location"].startswith("/admin/login/")


def test_an_admin_frees_others_of_theirs(ada: User) -> None:
    mona = user_make("mona", is_staff=True)
    phone = sign_in(mona)
    set_up(phone)
    client = sign_in(ada)
    assert "mona" in client.get("/admin/staff/").content.decode()
    address = f"/admin/staff/{mona.pk}/reset/"
    assert client.get(address).status_code == 200
    assert TOTPDevice.objects.filter(user=mona).exists(), "a look changes nothing"
    client.post(address)
    assert not TOTPDevice.objects.filter(user=mona).exists()
    assert acts()[-1] == "staff.second_factor_reset"


@pytest.mark.parametrize("role", ["moderator", "operator", "admin"])
def test_others_cannot_be_freed_by_everybody(ada: User, role: str) -> None:
    set_up(sign_in(ada))
    mona = user_make("mona", is_staff=True)
    mona.groups.add(Group.objects.get(name=role))
    client = sign_in(mona)
    assert client.post(f"/admin/staff/{ada.pk}/reset/").status_code == 403, "nor a superuser at all"
    assert client.get("/admin/staff/").status_code == (200 if role == "admin" else 403)
    assert TOTPDevice.objects.filter(user=ada).exists()


def test_a_device_of_somebody_else_lets_nobody_in(ada: User) -> None:
    mona = user_make("mona", is_staff=True, is_superuser=True)
    set_up(sign_in(mona))
    codes = set_up(sign_in(ada))
    client = sign_in(mona)
    assert client.post(CODE, {"code": codes[0]}).status_code == 200
    session = client.session
    session["otp_device_id"] = TOTPDevice.objects.get(user=ada).persistent_id
    session.save()
    assert not is_in(client)


@pytest.mark.django_db(transaction=True)
def test_secrets_are_in_no_log_export_or_page(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = sign_in(ada)
    codes = set_up(client)
    sign_in(ada).post(CODE, {"code": codes[0]})
    device = TOTPDevice.objects.get()
    secrets = [device.key, second_factor.secret_of(device).replace(" ", ""), *codes]
    audit = json.dumps(list(AuditEntry.objects.values()), default=str)
    export = json.dumps(download(client_for(ada))[1])
    logs = "\n".join(record.getMessage() for record in caplog.records)
    for secret in secrets:
        assert secret not in audit + export + logs
    assert client.get("/admin/otp_totp/totpdevice/").status_code == 404


def test_sign_ins_are_written_without_password_or_address(ada: User) -> None:
    client = Client()
    client.post("/admin/login/", {"username": "ADA", "password": "wrong wrong 1"})
    client.post("/admin/login/", {"username": "nobody", "password": "wrong wrong 1"})
    user_make("member")
    client.post("/admin/login/", {"username": "member", "password": "wrong wrong 1"})
    client = sign_in(ada)
    client.post("/admin/logout/")
    assert acts() == ["staff.login_failed", "staff.login", "staff.logout"]
    audit = json.dumps(list(AuditEntry.objects.values()), default=str)
    assert "wrong wrong" not in audit
    assert "127.0.0.1" not in audit
    assert "nobody" not in audit


def test_a_sign_in_is_written_when_it_is_whole(ada: User) -> None:
    codes = set_up(sign_in(ada))
    client = sign_in(ada)
    client.post(CODE, {"code": "zzzz"})
    StaticDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    client.post(CODE, {"code": codes[0]})
    assert acts() == [
        "staff.login",
        "staff.second_factor_set",
        "staff.login_failed",
        "staff.login",
    ]
