"""What other apps keep for a user, so that an account is exported and deleted as a whole.

`accounts` does not know those apps: each registers its part when it starts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from accounts.models import User


@dataclass(frozen=True, slots=True)
class Belongings:
    """The part of one app.

    `sections`: lists of the export by their names; each gives its items, one after the other, as
    JSON text. `stop` asks what runs for the user to end; it may be called again. `delete` takes all
    rows away, inside a transaction, and after it what other stores have; also what would go with
    the user's row, so that rows are locked in the order in which the app itself does it.
    """

    sections: Mapping[str, Callable[[User], Iterator[str]]]
    stop: Callable[[User], None]
    delete: Callable[[User], None]


_registered: list[Belongings] = []


def belongings_register(part: Belongings) -> None:
    _registered.append(part)


def belongings() -> tuple[Belongings, ...]:
    return tuple(_registered)
