"""App registration of `chat`."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = "Chat"

    def ready(self) -> None:
        from accounts.belongings import belongings_register
        from chat.belongings import CHAT_BELONGINGS
        from chat.generation.swap import workers_hint
        from inference.public import checkpoint_activated

        belongings_register(CHAT_BELONGINGS)
        checkpoint_activated.connect(workers_hint)
