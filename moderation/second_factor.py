"""The staff's second factor: an authenticator app, and backup codes for when it is lost.

django-otp keeps the devices, compares codes (each once) and makes guessing slow. The session says
which device let its person in; without it the session is signed in by half and opens nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import segno
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django_otp import DEVICE_ID_SESSION_KEY, verify_token
from django_otp import login as otp_login
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.signing_keys import digests

BACKUP_CODES = 10
CODE_MAX_CHARS = 32
APP_CODE_CHARS = 6
OPEN, CODE, SET_UP = "open", "code", "set_up"


def state_of(request: HttpRequest) -> str:
    """OPEN: go on. CODE: a code must be given first. SET_UP: a second factor must be made first."""
    known = getattr(request, "_second_factor_state", None)
    if known is None or known[0] != request.user:
        known = (request.user, _state(request))
        request._second_factor_state = known  # type: ignore[attr-defined]
    return str(known[1])


def _state(request: HttpRequest) -> str:
    user = request.user
    if not isinstance(user, User):
        return OPEN
    if app_of(user) is None:
        return SET_UP if settings.STAFF_SECOND_FACTOR == "required" else OPEN
    return OPEN if _let_in_by(request, user) else CODE


def _let_in_by(request: HttpRequest, user: User) -> bool:
    """Whether the device that the session names is still there."""
    name = request.session.get(DEVICE_ID_SESSION_KEY, "")
    device: Any = Device.from_persistent_id(name) if name else None
    return device is not None and device.user_id == user.pk and device.confirmed


def app_of(user: User) -> TOTPDevice | None:
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def codes_left(user: User) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


@dataclass(frozen=True, slots=True)
class Wrong:
    """The code was not taken; until `locked_until` none is."""

    locked_until: datetime | None = None


def code_check(*, user: User, code: str) -> Device | Wrong:
    """The device that takes the code. A code is taken once; wrong ones make the next ones wait."""
    code = "".join(code.split()).replace("-", "").lower()[:CODE_MAX_CHARS]
    is_app = len(code) == APP_CODE_CHARS and code.isdecimal()
    model: Any = TOTPDevice if is_app else StaticDevice
    device = model.objects.filter(user=user, confirmed=True).first()
    if device is None:
        return Wrong()
    token = code if is_app else _known_backup_code(device, user, code)
    if taken := verify_token(user, device.persistent_id, token):
        return taken
    device.refresh_from_db()
    allowed, why = device.verify_is_allowed()
    return Wrong(None if allowed else (why or {}).get("locked_until"))


def let_in(request: HttpRequest, device: Device) -> None:
    """From now on the session is signed in as a whole, under a new key."""
    request.session.cycle_key()
    otp_login(request, device)
    request._second_factor_state = None  # type: ignore[attr-defined]


@transaction.atomic
def app_begin(*, user: User) -> TOTPDevice:
    """A new secret that does not count before a code confirms it; an earlier one is forgotten."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    TOTPDevice.objects.filter(user=user, confirmed=False).delete()
    return TOTPDevice.objects.create(user=user, name="Authenticator app", confirmed=False)


def app_begun(user: User) -> TOTPDevice | None:
    return TOTPDevice.objects.filter(user=user, confirmed=False).first()


@transaction.atomic
def app_confirm(*, user: User, code: str) -> tuple[TOTPDevice, list[str]] | None:
    """The app shows the right code: it takes the place of the one before. With new backup codes."""
    device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
    if device is None or not device.verify_token("".join(code.split())[:CODE_MAX_CHARS]):
        return None
    TOTPDevice.objects.filter(user=user, confirmed=True).delete()
    device.confirmed = True
    device.save()
    return device, codes_renew(user=user)


@transaction.atomic
def codes_renew(*, user: User) -> list[str]:
    """Ten new backup codes; the ones before end. They can be shown only now."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="Backup codes", confirmed=True)
    codes = [StaticToken.random_token() for _ in range(BACKUP_CODES)]
    StaticToken.objects.bulk_create(
        StaticToken(device=device, token=_stored(user, code)) for code in codes
    )
    return codes


def _stored(user: User, code: str) -> str:
    """A backup code as the database has it: a hash under the secret key, which is not in there.

    80 of its bits, as many as the column takes; the codes have 40.
    """
    return next(_as_stored(user, code))


def _as_stored(user: User, code: str) -> Iterator[str]:
    """The hash under each accepted key, the newest first."""
    for digest in digests("eugpt.backup-code", f"{user.pk}:{code}"):
        yield base64.b32encode(digest[:10]).decode()


def _known_backup_code(device: StaticDevice, user: User, code: str) -> str:
    """The hash under which the database has this code; of an unknown one, one that is not there."""
    hashes = list(_as_stored(user, code))
    known = StaticToken.objects.filter(device=device, token__in=hashes).first()
    return known.token if known else hashes[0]


@transaction.atomic
def second_factor_remove(*, user: User) -> bool:
    """App and codes are forgotten; sessions that they let in are signed in by half again."""
    has_had = app_of(user) is not None
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    return has_had


def picture_of(device: TOTPDevice) -> SafeString:
    """The QR code that authenticator apps read, as SVG without styles."""
    code = segno.make(device.config_url, error="m")
    return mark_safe(code.svg_inline(scale=1, omitsize=True, svgclass="qr", lineclass=None))


def secret_of(device: TOTPDevice) -> str:
    """What one types where no camera is, in groups of four."""
    text = device.config_url.split("secret=")[1].split("&")[0]
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))
