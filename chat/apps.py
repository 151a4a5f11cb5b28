"""App registration of `chat`."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = "Chat"

    def ready(self) -> None:
        from accounts.belongings import belongings_register
        from accounts.upkeep import leftovers_register
        from chat.belongings import CHAT_BELONGINGS
        from chat.generation.swap import workers_hint
        from chat.upkeep import CHAT_LEFTOVERS
        from inference.public import checkpoint_activated

        belongings_register(CHAT_BELONGINGS)
        leftovers_register(*CHAT_LEFTOVERS)
        checkpoint_activated.connect(workers_hint)
