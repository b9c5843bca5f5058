"""Settings come from a file and the environment; problems are told all at once; half a set-up is refused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from habitue_collector import settings as module
from habitue_collector.settings import Settings, SettingsError, WriteKey, demo_settings, variable

SECRET = "hs_" + "x" * 40


def _file(folder: Path, text: str) -> Path:
    path = folder / "habitue.toml"
    path.write_text(text, "utf-8")
    return path


def test_without_file_and_environment_the_defaults_hold() -> None:
    settings = Settings.load({}, base=Settings())
    assert settings.server.port == 8000
    assert settings.server.host == "127.0.0.1"
    assert settings.redis.fsync == "always"
    assert settings.cookie.lifetime_days == 395
    assert settings.keys == ()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path, '[server]\nport = 9000\nhost = "::1"\n[redis]\nurl = "redis://a/0"\n')
    settings = Settings.load({"HABITUE_PORT": "9001", "HABITUE_REDIS_URL": "redis://b/0"}, path)
    assert (settings.server.port, settings.server.host, settings.redis.url) == (9001, "::1", "redis://b/0")


def test_an_empty_variable_means_none_where_none_is_allowed(tmp_path: Path) -> None:
    path = _file(tmp_path, '[redis]\nurl = "redis://a/0"\n')
    assert Settings.load({"HABITUE_REDIS_URL": ""}, path).redis.url is None


def test_lists_tables_and_paths_can_be_said_in_the_environment() -> None:
    environ = {
        "HABITUE_TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1",
        "HABITUE_SHOP_CURRENCY_TABLE": "USD=0.9,GBP=1.2",
        "HABITUE_DATA_FOLDER": "/var/lib/habitue",
        "HABITUE_KEYS": '[{"key": "pub", "origins": ["https://shop.example"]}]',
    }
    settings = Settings.load(environ)
    assert settings.server.trusted_proxies == ("10.0.0.0/8", "127.0.0.1")
    assert settings.shop.currency_table == {"USD": 0.9, "GBP": 1.2}
    assert settings.data.folder == Path("/var/lib/habitue")
    assert settings.find_key("pub") == WriteKey("pub", origins=("https://shop.example",))


def test_every_setting_can_be_said_in_the_environment() -> None:
    samples = {"port": "1", "workers": "3", "base_path": "/x", "fsync": "no", "timezone": "Europe/Berlin"}
    samples |= {"allow_private": "yes", "url": "redis://host/0"}
    for section, kind in module.SECTIONS.items():
        for item in fields(kind):
            default = getattr(kind(), item.name)
            text = samples.get(item.name) or (
                "7" if isinstance(default, int) else "a=1" if default == {} else "10.0.0.1"
            )
            settings = Settings.load({variable(section, item.name): text})
            assert getattr(getattr(settings, section), item.name) != default, item.name


def test_all_problems_are_told_in_one_message(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        """
        [server]
        port = "eighty"
        base_path = "h/"
        colour = "blue"
        [redis]
        fsync = "sometimes"
        [lifetimes]
        bot_profile_hours = 0
        [shop]
        timezone = "Mars"
        [kitchen]
        [[keys]]
        kind = "browser"
        [[keys]]
        key = "short"
        kind = "server"
        [[keys]]
        key = "a"
        origins = ["https://shop.example/path", "https://w*.example"]
        [[keys]]
        key = "b"
        aliases = ["a"]
        """,
    )
    with pytest.raises(SettingsError) as caught:
        Settings.load({"HABITUE_TRUSTED_PROXIES": "somewhere"}, path)
    told = str(caught.value)
    for word in (
        "port", "base_path", "colour", "sometimes", "bot_profile_hours", "Mars", "kitchen",
        "number 1 has no key", "24 characters", "/path", "w*.example", "'a' is there 2 times", "somewhere",
    ):  # fmt: skip
        assert word in told
    assert len(caught.value.problems) == 13


def test_what_was_meant_is_said(tmp_path: Path) -> None:
    path = _file(
        tmp_path, '[server]\nprot = 1\n[servr]\n[[keys]]\nkey = "a"\norigin = ["https://a.example"]\n'
    )
    with pytest.raises(SettingsError) as caught:
        Settings.load({}, path)
    told = str(caught.value)
    assert "[server] prot is not a setting; did you mean 'port'?" in told
    assert "[servr] is not a section; did you mean 'server'?" in told
    assert "[[keys]] number 1, origin is not a setting; did you mean 'origins'?" in told


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"HABITUE_REDIS_URL": "http://x"}, "[redis] url"),
        ({"HABITUE_REDIS_URL": "redis://host:port/0"}, "[redis] url"),
        ({"HABITUE_WORKERS": "-1"}, "[server] workers"),
        ({"HABITUE_COOKIE_NAME": "a;b"}, "[cookie] name"),
        ({"HABITUE_COOKIE_NAME": "a b"}, "[cookie] name"),
        ({"HABITUE_COOKIE_DOMAIN": "a; Path=/x"}, "[cookie] domain"),
        ({"HABITUE_COOKIE_LIFETIME_DAYS": "0"}, "lifetime_days"),
        ({"HABITUE_LIFETIMES_TRIM_LAG_SECONDS": "-1"}, "trim_lag_seconds"),
        ({"HABITUE_SLOTS": "{"}, "HABITUE_SLOTS"),
    ],
)
def test_what_could_not_work_is_refused_at_the_start(environ: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ)
    assert len(caught.value.problems) == 1
    assert told in str(caught.value)


def test_a_variable_with_a_wrong_letter_is_doubted() -> None:
    environ = {
        "HABITUE_REDIS_ULR": "redis://a",
        "HABITUE_PROT": "1",
        "HABITUE_SECRET_KEY": "x",
        "HABITUE_URL": "y",
    }
    said = module.doubts({**environ, "HABITUE_SERVICE_HOST": "k8s", "HABITUE_RECOMMENDER_RANKER": "1"})
    assert said == [
        "HABITUE_PROT is not a setting; did you mean HABITUE_PORT?",
        "HABITUE_REDIS_ULR is not a setting; did you mean HABITUE_REDIS_URL?",
    ]


def test_the_rooms_above_are_told_by_the_environment_too(tmp_path: Path) -> None:
    path = _file(tmp_path, "[recommender]\ncandidates = 100\nranker = 0\n")
    environ = {
        "HABITUE_RECOMMENDER_RANKER": "1",
        "HABITUE_RECOMMENDER_TRAIN_QUIET_HOURS": '["18:00-22:00"]',
        "HABITUE_SLOTS": '{"home-hero": {"size": 4}}',
    }
    assert Settings.load(environ, path).rooms == {
        "recommender": {"candidates": 100, "ranker": 1, "train_quiet_hours": ["18:00-22:00"]},
        "slots": {"home-hero": {"size": 4}},
    }


@pytest.mark.parametrize("text", ["[server", "\xff", 'server = "x"', "keys = 3"])
def test_a_broken_file_is_told_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "habitue.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError):
        Settings.load({}, path)


def test_a_named_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not there"):
        Settings.load({"HABITUE_CONFIG": str(tmp_path / "none.toml")})


def test_keys_made_by_the_command_are_read_too(tmp_path: Path) -> None:
    from habitue_collector.secret_keys import create_write_key

    create_write_key(tmp_path, WriteKey("pub", origins=("https://a.example",), name='the "shop"\n'))
    create_write_key(tmp_path, WriteKey(SECRET, "server"))
    settings = Settings.load({"HABITUE_DATA_FOLDER": str(tmp_path)})
    assert [key.key for key in settings.keys] == ["pub", SECRET]
    assert settings.keys[0].name == 'the "shop"\n'
    assert settings.secret_keys == (SECRET,)


class TestConsent:
    def test_is_required_of_browsers_and_assumed_of_servers(self) -> None:
        assert not WriteKey("a").consent_assumed
        assert WriteKey("a", "server").consent_assumed

    def test_can_be_set_for_each_key(self) -> None:
        assert WriteKey("a", consent="assumed").consent_assumed
        assert not WriteKey("a", "server", consent="required").consent_assumed


class TestStart:
    """What `habitue serve` refuses, with the reason."""

    def _refusals(self, **environ: str) -> str:
        named = {f"HABITUE_{name.upper()}": value for name, value in environ.items()}
        return "\n".join(Settings.load(named).refusals())

    def test_on_this_machine_alone_nothing_is_needed(self) -> None:
        assert self._refusals() == ""

    @pytest.mark.parametrize("where", [{"host": "0.0.0.0"}, {"public_url": "https://t.shop.example"}])
    def test_for_others_it_needs_keys_and_hosts(self, where: dict[str, str]) -> None:
        told = self._refusals(**where)
        assert "no browser key" in told
        assert "no server key" in told
        assert "[shop] hosts" in told

    def test_for_others_a_browser_key_needs_origins(self) -> None:
        assert "names no origins" in self._refusals(host="0.0.0.0", keys='[{"key": "pub"}]')

    def test_complete_it_starts(self) -> None:
        browser = '{"key": "pub", "origins": ["https://shop.example"]}'
        keys = f'[{browser}, {{"key": "{SECRET}", "kind": "server"}}]'
        assert self._refusals(host="0.0.0.0", keys=keys, shop_hosts="shop.example") == ""

    def test_a_country_header_without_a_trusted_proxy_is_nobody_s_word(self) -> None:
        assert "trusted_proxies" in self._refusals(country_header="CF-IPCountry")
        assert self._refusals(country_header="CF-IPCountry", trusted_proxies="127.0.0.1") == ""

    def test_the_demo_s_keys_are_refused_outside_the_demo(self) -> None:
        keys = '[{"key": "demo"}, {"key": "demo-secret", "kind": "server"}]'
        told = self._refusals(keys=keys)
        assert "'demo'" in told
        assert "'demo-secret'" in told

    def test_the_demo_starts(self, tmp_path: Path) -> None:
        assert demo_settings(tmp_path).refusals() == []


class TestDemo:
    def test_its_key_is_known_as_idsite_1_too(self, tmp_path: Path) -> None:
        settings = demo_settings(tmp_path)
        assert settings.find_key("1") is settings.find_key("demo")

    def test_it_answers_every_loopback_origin_and_test_hosts(self, tmp_path: Path) -> None:
        key = demo_settings(tmp_path).find_key("demo")
        assert key is not None
        for origin in (
            "http://127.0.0.1:8000", "http://localhost:3000", "http://[::1]:8000", "https://127.8.9.1",
            "http://shop.test", "https://a.shop.test:8443", "http://shop.localhost:81",
        ):  # fmt: skip
            assert key.allows_origin(origin), origin
        for origin in (
            "https://shop.example",
            "https://test",
            "https://shop.test.evil.example",
            "null",
            "file://x",
        ):
            assert not key.allows_origin(origin), origin

    def test_the_environment_changes_the_rest(self, tmp_path: Path) -> None:
        settings = Settings.load(
            {"HABITUE_PORT": "8123", "HABITUE_KEYS": '[{"key": "x"}]'}, base=demo_settings(tmp_path)
        )
        assert settings.server.port == 8123
        assert settings.demo
        assert settings.find_key("x") is None


def test_a_key_is_never_shown_by_accident() -> None:
    assert SECRET not in repr(WriteKey(SECRET, "server"))
