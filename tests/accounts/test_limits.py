"""Limits are exact, several are counted in one step, and their connections have a bound."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django.fixtures import Settings

from accounts import limits, store
from accounts.errors import RateLimited
from accounts.limits import (
    Use,
    address_key,
    limit_hit,
    limit_state,
    limit_states,
    limits_count,
    limits_forget,
    limits_give_back,
)
from accounts.store import redis_client

SHORT, DAY, NONE = Use("short", "k"), Use("day", "k"), Use("none", "k")


@pytest.fixture(autouse=True)
def _rates(settings: Settings) -> None:
    settings.RATE_LIMITS = {"short": "5 per 2 seconds", "day": "8 per day", "none": ""}


def test_as_many_as_the_limit_however_many_at_once() -> None:
    """A hundred at once, of two limits together: the smaller one decides, and counts exactly."""
    with ThreadPoolExecutor(40) as pool:
        answers = Counter(pool.map(lambda _: limits_count([SHORT, DAY]) is None, range(100)))
    assert answers == {True: 5, False: 95}
    short, day = limit_states([SHORT, DAY])
    assert short is not None
    assert day is not None
    assert (short.remaining, day.remaining) == (0, 3), "who was refused has used nothing"


def test_connections_to_redis_are_bounded() -> None:
    with ThreadPoolExecutor(60) as pool:
        list(pool.map(lambda _: limits_count([SHORT]), range(300)))
    clients = len(redis_client().connection_pool._connections)  # type: ignore[attr-defined]
    assert clients <= store.THREAD_CONNECTIONS


def test_the_longest_wait_is_told() -> None:
    for _ in range(5):
        assert limits_count([SHORT, DAY]) is None
    refusal = limits_count([SHORT, DAY])
    assert refusal is not None
    assert (refusal.use, refusal.limit) == (SHORT, 5)
    assert 1 <= refusal.retry_after <= 2
    for _ in range(3):
        assert limits_count([DAY]) is None
    refusal = limits_count([SHORT, DAY])
    assert refusal is not None
    assert (refusal.use, refusal.limit) == (DAY, 8)
    assert 86_000 < refusal.retry_after <= 86_400


def test_the_window_moves() -> None:
    for _ in range(5):
        limit_hit(name="short", key="k")
    with pytest.raises(RateLimited) as caught:
        limit_hit(name="short", key="k")
    assert 1 <= caught.value.data["retry_after"] <= 2
    time.sleep(2.05)
    limit_hit(name="short", key="k")
    state = limit_state(name="short", key="k")
    assert state is not None
    assert (state.limit, state.remaining, state.window_s) == (5, 4, 2)
    assert 0 < state.reset_s <= 2


def test_what_is_given_back_can_be_used_again() -> None:
    for _ in range(8):
        assert limits_count([DAY]) is None
    limits_give_back([DAY, NONE])
    assert limits_count([DAY]) is None
    assert limits_count([DAY]) is not None


def test_looking_counts_nothing() -> None:
    limits_count([DAY])
    for _ in range(20):
        state = limit_state(name="day", key="k")
    assert state is not None
    assert state.remaining == 7
    assert 86_000 < state.reset_s <= 86_400
    unused = limit_state(name="day", key="other")
    assert unused is not None
    assert (unused.remaining, unused.reset_s) == (8, 0)


def test_a_limit_without_a_rate_is_none(settings: Settings) -> None:
    for _ in range(20):
        assert limits_count([NONE]) is None
    assert limit_states([NONE, DAY])[0] is None
    settings.LIMITS_ENABLED = False
    assert limits_count([DAY] * 9) is None
    assert limit_states([DAY]) == [None]


def test_a_key_is_forgotten_under_every_name() -> None:
    limits_count([SHORT, DAY, Use("day", "other")])
    limits_forget(key="k")
    assert list(redis_client().scan_iter(f"{limits.KEY_PREFIX}*")) == ["eugpt:limit:day:other"]


def test_limits_end_by_themselves() -> None:
    limits_count([SHORT, DAY])
    lives = [redis_client().pttl(use.redis_key) for use in (SHORT, DAY)]
    assert 0 < lives[0] <= 2000  # type: ignore[operator]
    assert 86_000_000 < lives[1] <= 86_400_000  # type: ignore[operator]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3", "2001:db8::/64"),
        ("unix", "unknown"),
        (None, "unknown"),
    ],
)
def test_address_key(address: str | None, key: str) -> None:
    assert address_key(address) == key
