"""Settings from the environment: defaults, refusals, production."""

from collections.abc import Iterator

import pytest

from eugpt import config

SECRET = "a-long-and-random-key-of-more-than-forty-characters"
PRODUCTION = {
    "EUGPT_ENV": "production",
    "EUGPT_SECRET_KEY": SECRET,
    "EUGPT_ALLOWED_HOSTS": "chat.example.org, www.example.org",
    "EUGPT_PROXY_HOPS": "1",
}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import os

    for name in [name for name in os.environ if name.startswith("EUGPT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("EUGPT_ENV_FILE", "")
    config.config_load.cache_clear()
    yield
    config.config_load.cache_clear()


def _load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> config.Config:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return config.config_load()


def test_config_defaults_are_for_development(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = _load(monkeypatch)
    assert not loaded.is_production
    assert loaded.limits
    assert "localhost" in loaded.hosts()
    assert loaded.models_dir == config.BASE_DIR / "models"


def test_config_reads_words_lists_and_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = _load(
        monkeypatch,
        EUGPT_LIMITS="off",
        EUGPT_CORS_ORIGINS="https://a.example, https://b.example",
        EUGPT_VAR_DIR="/tmp/eugpt",
        EUGPT_SLOTS="",
    )
    assert not loaded.limits
    assert loaded.cors_origins == ("https://a.example", "https://b.example")
    assert str(loaded.var_dir) == "/tmp/eugpt"
    assert loaded.slots == 32


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EUGPT_SPEED", "1"),
        ("EUGPT_SLOTS", "many"),
        ("EUGPT_SLOTS", "0"),
        ("EUGPT_PRECISION", "int3"),
        ("EUGPT_LIMITS", "perhaps"),
        ("EUGPT_COOKIE_SAMESITE", "Anything"),
        ("EUGPT_COOKIE_SAMESITE", "None"),
        ("EUGPT_SECRET_KEY", "x" * 513),
        ("EUGPT_SECRET_KEY_FALLBACKS", "a,b,c,d"),
        ("EUGPT_SECRET_KEY_FALLBACKS", "a, a"),
        ("EUGPT_SECRET_KEY_FALLBACKS", "x" * 513),
        ("PORT", "70000"),
    ],
)
def test_config_refuses_and_names_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(config.ConfigError, match=name):
        _load(monkeypatch, **{name: value})


def test_config_production_accepts_a_complete_one(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = _load(monkeypatch, **PRODUCTION)
    assert loaded.public_hosts() == ["chat.example.org", "www.example.org"]
    assert set(loaded.hosts()) > {"chat.example.org", "127.0.0.1"}
    assert loaded.signing_key() == SECRET
    assert loaded.cookie_samesite == "Lax"


def test_config_production_may_send_its_cookie_to_another_site(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = _load(monkeypatch, **PRODUCTION, EUGPT_COOKIE_SAMESITE="None")
    assert loaded.cookie_samesite == "None"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EUGPT_SECRET_KEY", ""),
        ("EUGPT_SECRET_KEY", "short"),
        ("EUGPT_ALLOWED_HOSTS", ""),
        ("EUGPT_ALLOWED_HOSTS", "*"),
        ("EUGPT_DEBUG", "on"),
        ("EUGPT_LIMITS", "off"),
    ],
)
def test_config_production_refuses_unsafe_values(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(config.ConfigError, match=name):
        _load(monkeypatch, **{**PRODUCTION, name: value})


def test_config_reads_the_env_file_below_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("env") / "settings"
    path.write_text("EUGPT_SLOTS=3\nEUGPT_QUEUE_LIMIT=5\nPOSTGRES_PASSWORD=x\n")
    loaded = _load(monkeypatch, EUGPT_ENV_FILE=str(path), EUGPT_SLOTS="4")
    assert (loaded.slots, loaded.queue_limit) == (4, 5)
    config.config_load.cache_clear()
    path.write_text("EUGPT_SPEED=3\n")
    with pytest.raises(config.ConfigError, match="EUGPT_SPEED"):
        config.config_load()
