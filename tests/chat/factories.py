"""Conversations with messages and generations, straight into the database."""

from datetime import datetime

from accounts.models import User
from chat.models import Conversation, FinishReason, Generation, Message, Role, Status


def conversation_make(
    user: User, title: str = "A chat", updated_at: datetime | None = None
) -> Conversation:
    conversation = Conversation(user=user, title=title)
    if updated_at is not None:
        conversation.updated_at = updated_at
    conversation.save()
    return conversation


def exchange_make(conversation: Conversation, prompt: str, reply: str) -> Message:
    """A user message under the head and its answer, which becomes the head."""
    asked = Message.objects.create(
        conversation=conversation, parent=conversation.head, role=Role.USER, content=prompt
    )
    answered = Message.objects.create(
        conversation=conversation, parent=asked, role=Role.ASSISTANT, content=reply
    )
    Generation.objects.create(
        message=answered,
        conversation=conversation,
        user=conversation.user,
        owner_key=f"u:{conversation.user.pk}",
        status=Status.COMPLETED,
        finish_reason=FinishReason.STOP,
    )
    conversation.head = answered
    conversation.save(update_fields=["head"])
    return answered
