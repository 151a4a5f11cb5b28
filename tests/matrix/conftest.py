"""The tiny checkpoint, and tasks that are recorded instead of sent."""

from tests.chat_delivery.conftest import sent, tiny, tiny_folder

__all__ = ["sent", "tiny", "tiny_folder"]
