"""App registration of `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from accounts import schema  # noqa: F401  registers itself
        from accounts.upkeep import ACCOUNTS_LEFTOVERS, leftovers_register

        leftovers_register(*ACCOUNTS_LEFTOVERS)
