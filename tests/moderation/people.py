"""Staff with a role, signed in to the admin."""

from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User
from tests.accounts.clients import user_make


def staff_make(name: str, role: str) -> User:
    user = user_make(name, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def staff_client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
