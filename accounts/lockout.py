"""Guessing passwords is limited in a way that nobody can use to lock out somebody else.

Every attempt is counted before the password is looked at, atomically in Redis, so that of any
number at once exactly as many as the limit are let through; success forgets the failures.

* From a browser that has signed in to the account before (`accounts.devices_cookie`): counted for
  this browser and this account alone. Whatever strangers do, at its own address too, it gets in.
* From anywhere else, or when such a browser has used up its own: counted for name and address
  together, so that one address cannot try a name for long, and for the name, so that a thousand
  addresses cannot either. Only who comes from a new device waits for that; a link by mail lets them
  set a new password at once, which makes their device a known one.

Keys are hashes under the secret key: no name, address or mistyped password is stored. That of a
known name takes the hash of its password in: with a new password the count begins anew.

Why not django-axes: it stores a row with name, address and User-Agent of every attempt, which we do
not want to have, and its lock by name shuts the owner out as well as the guesser; by address
alone it lets a crowd of addresses guess on.
"""

from dataclasses import dataclass

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from accounts.devices_cookie import device_know, device_read
from accounts.errors import LockedOut
from accounts.limits import (
    Use,
    address_key,
    limit_forget,
    limit_hit,
    limits_count,
    limits_give_back,
)
from accounts.models import User
from accounts.selectors import user_by_username

_NAME_MAX_CHARS = 150


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that may be tried, and where it was counted: first what is counted for who tries
    alone, then what is counted for others, too.
    """

    own: Use
    shared: tuple[Use, ...] = ()

    def passed(self, request: HttpRequest, response: HttpResponseBase, *, user: User) -> None:
        """It was the right password: forget the failures, and know this browser."""
        limit_forget(name=self.own.name, key=self.own.key)
        limits_give_back(self.shared)
        device_know(request, response, user=user)


def guard(request: HttpRequest, *, username: str) -> Attempt:
    """Count an attempt to sign in as `username`; call it before the password is looked at.

    The same work for a name that there is not. Raises RateLimited (the address, whatever the name)
    or LockedOut, both with `retry_after`.
    """
    username = username.replace("\0", "")[:_NAME_MAX_CHARS]  # a form that was not checked yet
    user = user_by_username(username=username)
    subject = f"u:{user.pk}:{user.password}" if user else f"n:{username.lower()}"
    device = device_read(request)
    known = Attempt(Use("login_device", _key(subject, device.number)))
    if device.knows(user) and limits_count([known.own]) is None:
        return known
    address = address_key(request.META.get("REMOTE_ADDR"))
    limit_hit(name="login", key=address)
    pair, name = Use("login_pair", _key(subject, address)), Use("login_name", _key(subject, ""))
    if refusal := limits_count([pair, name]):
        raise LockedOut(retry_after=refusal.retry_after)
    return Attempt(pair, (name,))


def _key(subject: str, origin: str) -> str:
    value = f"{subject}\n{origin}"
    return salted_hmac("eugpt.limit.login", value, algorithm="sha256").hexdigest()[:32]
