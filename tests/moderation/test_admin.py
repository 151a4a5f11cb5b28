"""The admin: every page renders, lists search, users can be suspended, chats are read-only."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.keys import key_create
from accounts.models import User
from chat.delivery.streams import read_written
from chat.models import Conversation, Generation, Message, Rating, ReportReason
from chat.services.opinions import feedback_set, report_make
from chat.services.shares import share_create
from tests.accounts.clients import PASSWORD, user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(user_make("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def chat() -> Conversation:
    conversation = conversation_make(user_make("ana"), "About dogs")
    reply = exchange_make(conversation, "tell me of <b>dogs</b>", "Dogs bark.")
    share_create(conversation=conversation, expires_in_days=None)
    _opinions(conversation.user, reply, "Do they <i>really</i>?")
    return conversation


def _opinions(user: User, reply: Message, comment: str) -> None:
    feedback_set(user=user, message_id=reply.pk, rating=Rating.DOWN, comment=comment)
    report_make(user=user, message_id=reply.pk, reason=ReportReason.WRONG, comment=comment)


def _names(response: Any) -> list[str]:
    assert response.status_code == 200
    return [str(row) for row in response.context["cl"].result_list]


def test_admin_index_is_branded(admin: Client) -> None:
    page = admin.get("/admin/").content.decode()
    assert "EuGPT" in page
    assert "Outstanding" not in page


@pytest.mark.parametrize(
    "model", ["conversation", "message", "generation", "share", "feedback", "report"]
)
def test_admin_chat_pages_render_and_are_read_only(
    admin: Client, chat: Conversation, model: str
) -> None:
    row: Any = apps.get_model("chat", model)
    assert admin.get(f"/admin/chat/{model}/").status_code == 200
    assert admin.get(f"/admin/chat/{model}/add/").status_code == 403
    address = f"/admin/chat/{model}/{row.objects.latest('pk').pk}/change/"
    page = admin.get(address, follow=True)
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert admin.post(address, {"title": "changed"}).status_code == 403


def test_admin_shows_the_transcript_escaped(admin: Client, chat: Conversation) -> None:
    for path in (f"conversation/{chat.pk}", f"share/{chat.shares.get().pk}"):
        page = admin.get(f"/admin/chat/{path}/change/").content.decode()
        assert "tell me of &lt;b&gt;dogs&lt;/b&gt;" in page
        assert "Dogs bark." in page


def test_admin_shows_comments_escaped(admin: Client, chat: Conversation) -> None:
    reply = chat.messages.get(role="assistant")
    for path in ("feedback/", f"report/{reply.reports.get().pk}/change/"):
        page = admin.get(f"/admin/chat/{path}").content.decode()
        assert "Do they &lt;i&gt;really&lt;/i&gt;?" in page


def test_admin_lists_search(admin: Client, chat: Conversation) -> None:
    conversation_make(user_make("ben"), "Cats")
    conversations = "/admin/chat/conversation/?q="
    assert _names(admin.get(f"{conversations}dogs")) == ["About dogs"]
    assert _names(admin.get(f"{conversations}ben")) == ["Cats"]
    assert len(_names(admin.get("/admin/chat/message/?q=bark"))) == 1
    assert _names(admin.get(f"/admin/chat/share/?q={chat.shares.get().slug}")) == ["About dogs"]
    assert len(_names(admin.get("/admin/chat/feedback/?q=really"))) == 1
    for query, count in (("q=really", 1), ("q=bark", 1), ("q=cats", 0), ("state=dismissed", 0)):
        page = admin.get(f"/admin/chat/report/?{query}")
        assert len(page.context["matters"]) == count
    generation = Generation.objects.get()
    assert len(_names(admin.get(f"/admin/chat/generation/?q={generation.pk}"))) == 1
    assert _names(admin.get("/admin/accounts/user/?q=AN")) == ["ana"]
    assert _names(admin.get("/admin/accounts/user/?state=suspended")) == []


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("accounts/user", 13),
        ("chat/conversation", 7),
        ("chat/message", 7),
        ("chat/generation", 7),
        ("chat/share", 7),
        ("chat/feedback", 7),
        ("chat/report", 8),
        ("accounts/apikey", 7),
    ],
)
def test_admin_lists_take_a_fixed_number_of_queries(
    admin: Client, path: str, queries: int, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(15):
        conversation = conversation_make(user_make(f"user{number}"))
        reply = exchange_make(conversation, "hi", "hello")
        share_create(conversation=conversation, expires_in_days=None)
        _opinions(conversation.user, reply, "hm")
        key_create(user=conversation.user, name="notebook")
    with django_assert_max_num_queries(queries):
        assert admin.get(f"/admin/{path}/").status_code == 200


def test_admin_user_page_renders_and_adds(admin: Client) -> None:
    user = user_make("ana")
    assert admin.get(f"/admin/accounts/user/{user.pk}/change/").status_code == 200
    assert admin.get("/admin/accounts/user/add/").status_code == 200
    form = {
        "username": "carl",
        "usable_password": "true",
        "password1": "correct horse 7",
        "password2": "correct horse 7",
    }
    response = admin.post("/admin/accounts/user/add/", form)
    assert response.status_code == 302
    assert User.objects.get(username="carl").check_password("correct horse 7")


def test_admin_is_closed_to_members(client: Client) -> None:
    client.force_login(user_make("ana"))
    assert client.get("/admin/chat/conversation/").status_code == 302


def test_admin_sign_in_ignores_case_and_is_limited(client: Client) -> None:
    user_make("Root", is_staff=True, is_superuser=True)
    wrong = {"username": "root", "password": "wrong wrong 1"}
    right = {"username": "ROOT", "password": PASSWORD}
    assert client.post("/admin/login/?next=/admin/", right).status_code == 302
    # Ten as a known browser, ten as a stranger.
    codes = [client.post("/admin/login/", wrong).status_code for _ in range(21)]
    assert codes == [200] * 20 + [429]
    assert client.post("/admin/login/", right).status_code == 429


def _long(user: User, count: int) -> Conversation:
    conversation = conversation_make(user, "Long")
    first = 1 + (Message.objects.order_by("id").values_list("pk", flat=True).last() or 0)
    Message.objects.bulk_create(
        Message(
            pk=first + n,
            conversation=conversation,
            parent_id=first + n - 1 if n else None,
            role="assistant" if n % 2 else "user",
            content=f"number {n}",
        )
        for n in range(count)
    )
    conversation.head_id = first + count - 1
    conversation.save(update_fields=["head"])
    return conversation


@pytest.mark.parametrize("kind", ["chat/conversation", "chat/message", "accounts/user"])
@pytest.mark.parametrize("is_action", [True, False])
def test_admin_deletes_what_hangs_on_long_conversations(
    admin: Client, kind: str, is_action: bool
) -> None:
    """A thousand messages, each under the one before, are deeper than Python's recursion."""
    user = user_make("ana")
    conversation = _long(user, 1500)
    first = conversation.messages.order_by("id")[0]
    pk = {"conversation": conversation, "message": first, "user": user}[kind.split("/")[1]].pk
    address = f"/admin/{kind}/" if is_action else f"/admin/{kind}/{pk}/delete/"
    data = {"action": "delete_selected", "_selected_action": [pk]} if is_action else {}
    page = admin.post(address, data) if is_action else admin.get(address)
    assert "Messages: 1500" in page.content.decode().replace("messages", "Messages")
    assert admin.post(address, {**data, "post": "yes"}).status_code == 302
    assert not Message.objects.exists()
    assert Conversation.objects.exists() == (kind == "chat/message")


def test_admin_deletes_a_message_with_its_answers_and_shows_another_branch(
    admin: Client, chat: Conversation
) -> None:
    first = Message.objects.get(role="assistant")
    edited = exchange_make(chat, "and cats?", "They purr.")
    Generation.objects.filter(message=edited).update(status="queued", finish_reason="")
    generation_id = str(Generation.objects.get(message=edited).pk)
    address = f"/admin/chat/message/{edited.parent_id}/delete/"
    assert admin.post(address, {"post": "yes"}).status_code == 302
    chat.refresh_from_db()
    assert chat.head == first
    assert Message.objects.count() == 2
    assert [entry.type for entry in read_written(generation_id).entries] == ["done"]


def test_admin_says_which_rights_a_deletion_needs(chat: Conversation) -> None:
    moderator = user_make("mo", is_staff=True)
    moderator.user_permissions.add(Permission.objects.get(codename="delete_conversation"))
    moderator.user_permissions.add(Permission.objects.get(codename="view_conversation"))
    client = Client()
    client.force_login(moderator)
    address = f"/admin/chat/conversation/{chat.pk}/delete/"
    assert "permission to delete" in client.get(address).content.decode()
    assert client.post(address, {"post": "yes"}).status_code == 403
    assert Conversation.objects.exists()
