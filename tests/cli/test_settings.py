"""Settings: who wins, what is wrong with them all at once, and that each is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.settings import Settings, SettingsError, load, variable_of

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_flag_beats_the_environment_that_beats_the_file_that_beats_the_default(
    empty_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load().web_port == 6066
    (empty_directory / "wameter.toml").write_text("web_port = 1\npartitions = 1\nreplication = 1\n")
    assert load().web_port == 1
    monkeypatch.setenv("WAMETER_WEB_PORT", "2")
    monkeypatch.setenv("WAMETER_PARTITIONS", "2")
    settings = load({"web_port": "3", "partitions": None})
    assert (settings.web_port, settings.partitions, settings.replication) == (3, 2, 1)


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAMETER_WEB_PORT", "")
    assert load().web_port == 6066


def test_another_file_is_read_when_named(empty_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_directory / "wameter.toml").write_text("web_port = 1")
    (empty_directory / "named.toml").write_text("web_port = 2")
    (empty_directory / "by-variable.toml").write_text("web_port = 3")
    assert load(config=Path("named.toml")).web_port == 2
    monkeypatch.setenv("WAMETER_CONFIG", "by-variable.toml")
    assert load().web_port == 3
    assert load(config=Path("named.toml")).web_port == 2


def test_every_problem_is_told_at_once_with_the_place_where_it_was_given(empty_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_directory / "wameter.toml").write_text('replication = 0\nwebport = 1\nsecurity_protocol = "SSL"\nsasl_mechanism = "PLAIN"\n')
    monkeypatch.setenv("WAMETER_BOOTSTRAP", "kafka")
    with pytest.raises(SettingsError) as raised:
        load({"window_basis": "read"})
    assert list(raised.value.sentences) == [
        "bootstrap (WAMETER_BOOTSTRAP): must be host:port, several separated by commas",
        "replication (wameter.toml): must be greater than or equal to 1",
        "window_basis (--window-basis): must be 'delivered' or 'sent'",
        "wameter.toml: webport is no setting; docs/reference/settings.md lists those there are",
        "sasl_mechanism: security_protocol SSL does not log in; set SASL_SSL or leave the mechanism out",
    ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        pytest.param(
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN"}, "sasl_username, sasl_password: both are needed", id="no name"
        ),
        pytest.param(
            {"security_protocol": "SASL_SSL", "sasl_username": "me", "sasl_password": "x"}, "sasl_mechanism: is needed", id="no mechanism"
        ),
        pytest.param(
            {"ssl_ca_file": __file__}, "ssl_ca_file: security_protocol PLAINTEXT has no certificates", id="certificates for nothing"
        ),
        pytest.param(
            {"step_timeout_ms": "60001"},
            "transaction_timeout_ms: 60000 is shorter than step_timeout_ms 60001",
            id="a transaction too short",
        ),
        pytest.param({"ssl_ca_file": "nope"}, "ssl_ca_file (--ssl-ca-file): nope is no file", id="no such file"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(given)
    (told,) = raised.value.sentences
    assert told.startswith(sentence)


@pytest.mark.parametrize("text", [pytest.param("web_port: 1", id="YAML"), pytest.param("\xff", id="no UTF-8")])
def test_a_file_that_is_not_toml_is_refused_in_one_sentence(empty_directory: Path, text: str) -> None:
    (empty_directory / "wameter.toml").write_text(text, encoding="latin-1")
    with pytest.raises(SettingsError, match="is not TOML"):
        load()


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAMETER_SASL_PASSWORD", "correct horse")
    with pytest.raises(SettingsError) as raised:
        load({"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN"})
    assert "horse" not in str(raised.value)
    settings = load({"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_username": "me"})
    assert "horse" not in repr(settings)


def test_the_reference_documents_every_setting_as_the_code_has_it() -> None:
    rows = [
        re.split(r"\s*\|\s*", line.strip("| \n")) for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    documented = {row[0].strip("`"): row[1:] for row in rows}
    assert list(documented) == list(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        default = "–" if field.default in (None, "") else f"`{field.default}`"
        assert documented[name] == [f"`{variable_of(name)}`", default, field.description], name
