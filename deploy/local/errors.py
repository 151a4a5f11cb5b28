"""The one error the launcher shows without a traceback."""


class SetupError(Exception):
    """Something the user can put right; the message is one clear sentence saying how."""
