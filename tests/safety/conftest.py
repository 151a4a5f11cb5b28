"""The tiny checkpoint, a worker in this process, prompts that are queued for it."""

from tests.chat_delivery.conftest import guest, member, sent, tiny, tiny_folder, user

__all__ = ["guest", "member", "sent", "tiny", "tiny_folder", "user"]
