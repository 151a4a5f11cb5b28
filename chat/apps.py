"""App registration of `chat`."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = "Chat"

    def ready(self) -> None:
        from accounts.belongings import belongings_register
        from chat.belongings import CHAT_BELONGINGS

        belongings_register(CHAT_BELONGINGS)
