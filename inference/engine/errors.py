"""Why the engine does not take a request. Knows no torch."""


class EngineFull(RuntimeError):
    """The engine's waiting line has reached its limit."""

    code = "engine_full"


class EngineDead(RuntimeError):
    """The engine has failed; the process must be restarted."""

    code = "engine_dead"
