"""What an operation says instead of a traceback."""

from deploy.local.errors import SetupError


class OpsError(SetupError):
    """One sentence for the operator, under a code that stays the same."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"[{code}] {text}")
        self.code = code
