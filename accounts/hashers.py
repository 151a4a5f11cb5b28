"""Password hashing: Argon2id at the cost OWASP recommends for a server shared with other work."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB. Django's own 100 MiB a login is a memory attack on a small machine."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
