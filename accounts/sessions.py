"""Sessions of a user: one for each sign-in, kept by every refresh, ended by deleting its row.

Its id is a claim of the refresh and access tokens (`accounts.tokens`) and part of the tickets, so
that all of them end with it. No address is kept. Who changes sessions together with tokens locks
the user's row first (`user_lock`): in one order nobody waits in a circle.
"""

import uuid
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from rest_framework_simplejwt.settings import api_settings

from accounts.errors import NotAuthenticated, NotFound
from accounts.hints import SESSION_ENDED_HINT, user_hint
from accounts.models import USER_AGENT_MAX_CHARS, Session, User
from accounts.suspension import suspension_check

ENDED = "Your session has ended. Sign in again."


def user_lock(*, user_id: int) -> User:
    """The user, whose sessions nobody else changes until the transaction ends.

    Raises NotAuthenticated when there is none. Rows that refer to the user can still be made.
    """
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None:
        raise NotAuthenticated
    return user


def user_in_session(*, user_id: int, token_version: int | None, session_id: uuid.UUID) -> User:
    """The user whom a token or a ticket of this session lets in; one query.

    Raises Suspended or NotAuthenticated.
    """
    alive = Session.objects.filter(pk=session_id, user=OuterRef("pk"))
    user = User.objects.filter(pk=user_id).annotate(is_signed_in=Exists(alive)).first()
    if user is None:
        raise NotAuthenticated
    suspension_check(user)
    if token_version != user.token_version or not user.is_signed_in:
        raise NotAuthenticated(ENDED)
    user.session_id = session_id
    return user


def session_start(*, user: User, user_agent: str) -> Session:
    """A new session. With too many of them those end that were seen longest ago."""
    session = Session.objects.create(user=user, user_agent=_cleaned(user_agent))
    rest = _open(user).values_list("pk")[settings.SESSIONS_MAX :]
    Session.objects.filter(pk__in=list(rest.values_list("pk", flat=True))).delete()
    return session


def session_touch(*, user: User, session_id: uuid.UUID, user_agent: str) -> None:
    """Note that the session is alive; raises NotAuthenticated when it has ended."""
    changes = {"last_seen_at": timezone.now(), "user_agent": _cleaned(user_agent)}
    if not Session.objects.filter(user=user, pk=session_id).update(**changes):
        raise NotAuthenticated(ENDED)


def session_list(*, user: User) -> list[Session]:
    """The sessions that can go on, seen last first; at most SESSIONS_MAX."""
    since = timezone.now() - api_settings.REFRESH_TOKEN_LIFETIME
    return list(_open(user).filter(last_seen_at__gt=since)[: settings.SESSIONS_MAX])


def session_end(*, user: User, session_id: uuid.UUID) -> None:
    """End a session of the user, its tokens and open sockets with it; raises NotFound."""
    with transaction.atomic():
        user_lock(user_id=user.pk)
        deleted, _ = Session.objects.filter(user=user, pk=session_id).delete()
        if not deleted:
            raise NotFound
        sessions_tell(user_id=user.pk)


def sessions_tell(*, user_id: int) -> None:
    """Hint after commit that some session of the user has ended."""
    transaction.on_commit(partial(user_hint, user_id=user_id, kind=SESSION_ENDED_HINT))


def _open(user: User) -> QuerySet[Session]:
    return Session.objects.filter(user=user).order_by("-last_seen_at", "-created_at", "pk")


def _cleaned(user_agent: str) -> str:
    return "".join(filter(str.isprintable, user_agent))[:USER_AGENT_MAX_CHARS]
