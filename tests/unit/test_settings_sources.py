"""Where settings came from, and that no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.desk.settings import MOST_ITEMS, grouped
from vestlus.settings import Mode, Settings, load_settings
from vestlus.settings_sources import Source

#: What no setting says by itself.
SECRET = st.text(alphabet="QXZqxz0123456789", min_size=12, max_size=40)


def shown(settings: Settings) -> dict[str, tuple[str, Source]]:
    return {
        f"{group.table}.{group.item}.{one.name}".lstrip("."): (one.value, one.source)
        for group in grouped(settings)
        for one in group.settings
    }


def test_each_setting_says_where_it_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "vestlus.toml"
    file.write_text(
        'VESTLUS_MODEL = "from the file"\n[retention]\nmessages_days = 30\n'
        '[[accounts]]\nid = "1"\nname = "Üks"\n[sign_in.oidc]\nissuer = "https://login.example"\n'
        'client_id = "c"\nclient_secret = "env:THE_SECRET"\nadmin = "A"\n'
    )
    settings = load_settings(
        {"VESTLUS_HTTP_PORT": "9000", "THE_SECRET": "s3cr3t-value"}, mode=Mode.OPERATE
    )
    found = shown(settings)
    assert found["VESTLUS_HTTP_PORT"] == ("9000", Source.ENVIRONMENT)
    assert found["VESTLUS_MODEL"] == ("from the file", Source.FILE)
    assert found["VESTLUS_LOG_LEVEL"] == ("INFO", Source.DEFAULT)
    assert found["retention..messages_days"] == ("30", Source.FILE)
    assert found["retention..events_days"] == ("14", Source.DEFAULT)
    assert found["accounts.Üks.name"] == ("Üks", Source.FILE)
    assert found["sign_in..oidc[0].client_secret"] == ("", Source.FILE)
    assert "s3cr3t-value" not in repr(found)


@given(secrets=st.lists(SECRET, min_size=9, max_size=9, unique=True))
def test_no_secret_nor_its_length_is_shown(secrets: list[str]) -> None:
    a, b, c, d, e, f, g, h, i = secrets

    def values(pad: str) -> dict[str, tuple[str, Source]]:
        settings = Settings.model_validate(
            {
                "operator_token": a + pad,
                "encryption_key": b + pad,
                "app_secrets": (c + pad, d + pad),
                "openai_api_key": e + pad,
                "smtp_url": f"smtp://user:{f}{pad}@mail.example:25",
                "openai_base_url": f"https://user:{g}{pad}@models.example/v1",
                "accounts": [
                    {
                        "id": "1",
                        "access_token": h + pad,
                        "notify_url": f"https://hooks.example/{i}{pad}",
                    }
                ],
                "database_url": f"postgresql://user:{g}{pad}@db.example/vestlus?password={f}",
                "media_url": f"https://files.example/bank?sig={a}",
            }
        )
        return shown(settings)

    found = values("")
    told = repr(found)
    assert not [one for one in secrets if one in told]
    assert found == values("longer")


def test_of_very_many_items_only_some_are_shown() -> None:
    accounts = [{"id": str(place)} for place in range(1, MOST_ITEMS + 8)]
    groups = [one for one in grouped(Settings.model_validate({"accounts": accounts})) if one.item]
    assert len(groups) == MOST_ITEMS
    assert groups[-1].left_out == 7
