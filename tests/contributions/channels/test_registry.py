"""Which channels a city offers, which of them can be used here, and where keys come from."""

import datetime as dt
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from contributions import channels
from contributions.books import ledger
from contributions.channels.keys import ChannelUnavailable, make_development_keys
from contributions.models import AccountKind
from portal.policy.book import book
from portal.settings.payment import from_environment, of_stand_in
from tests.partners.calling import partner_called

TODAY = dt.date(2026, 11, 17)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both sides' keys for development."""
    folder = tmp_path_factory.mktemp("keys")
    make_development_keys(folder)
    return folder


@pytest.fixture
def keys(made: Path, tmp_path: Path) -> Path:
    """Keys of the test's own."""
    return Path(shutil.copytree(made, tmp_path / "keys"))


def codes(city: str, on: dt.date = TODAY) -> list[str]:
    return [one.code for one in channels.available(city, on=on)]


def test_a_city_offers_the_channels_of_its_policy(gateway):
    assert codes("wuxi") == ["card", "alipay", "wechat"]
    assert codes("shenzhen") == ["card"]
    assert codes("wuxi", dt.date(2022, 12, 31)) == []
    assert [one.title for one in channels.available("wuxi")] == ["银行卡", "支付宝", "微信支付"]


def test_without_keys_nothing_is_offered_and_staff_are_told_what_is_missing(settings):
    settings.PAYMENT_CHANNELS = from_environment()
    assert codes("wuxi") == []
    told = channels.offered("wuxi", on=TODAY)
    assert [one.channel for one in told] == [None, None, None]
    assert told[0].why == "尚未配置：gateway、key_file、merchant、provider_key_file。"
    with pytest.raises(ChannelUnavailable):
        channels.channel("card")
    with pytest.raises(ChannelUnavailable):
        channels.channel("cash")


def test_one_missing_file_closes_one_channel(gateway, settings, keys):
    settings.PAYMENT_CHANNELS = of_stand_in(gateway.url, keys)
    assert codes("wuxi") == ["card", "alipay", "wechat"]
    (keys / "alipay-hall.pem").unlink()
    assert codes("wuxi") == ["card", "wechat"]
    (keys / "card-provider.pub.pem").write_text("no key")
    (keys / "wechat-apiv3.key").write_text("too short")
    assert codes("wuxi") == []
    why = [one.why for one in channels.offered("wuxi", on=TODAY)]
    assert "alipay-hall.pem" in why[1]
    assert all(why)
    # Mended, they are offered again without a restart.
    (keys / "card-provider.pub.pem").unlink()
    make_development_keys(keys)
    assert codes("wuxi") == ["card", "alipay"]


def test_a_channel_is_built_once_until_its_keys_change(gateway, settings, keys):
    settings.PAYMENT_CHANNELS = of_stand_in(gateway.url, keys)
    first = channels.channel("card")
    assert channels.channel("card") is first
    (keys / "card-hall.pem").unlink()
    make_development_keys(keys)
    assert channels.channel("card") is not first


@pytest.mark.parametrize(
    "gateway_url", ["http://bank.example", "ftp://127.0.0.1", "bank.example", "//127.0.0.1"]
)
def test_card_numbers_do_not_travel_unencrypted(settings, keys, gateway_url):
    settings.PAYMENT_CHANNELS = of_stand_in(gateway_url, keys)
    assert codes("wuxi") == []
    settings.PAYMENT_CHANNELS = of_stand_in("https://bank.example", keys)
    assert codes("wuxi") == ["card", "alipay", "wechat"]


def test_settings_name_identities_and_files_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("WECHAT_SECRET_FILE", "/etc/hall/apiv3.key")
    monkeypatch.setenv("CARD_GATEWAY", "https://bank.example")
    named = from_environment()
    assert named["wechat"]["secret_file"] == "/etc/hall/apiv3.key"
    assert named["card"]["gateway"] == "https://bank.example"
    assert named["alipay"]["app_id"] == ""
    # The stand-in is given the very same settings.
    assert {code: set(values) for code, values in named.items()} == {
        code: set(values) for code, values in of_stand_in("http://127.0.0.1:1", tmp_path).items()
    }


def test_development_keys_are_made_once_for_their_owner_only(settings, tmp_path, capsys):
    settings.CHANNEL_KEYS_DIR = folder = tmp_path / "keys" / "channels"
    call_command("make_channel_keys")
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix}
    assert len(files) == 13
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    call_command("make_channel_keys")
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix} == files
    assert "未作改动" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["make_channel_keys", "stand_in_gateway"])
def test_in_service_there_are_no_development_keys_and_no_stand_in(settings, tmp_path, command):
    settings.DEMO = False
    settings.CHANNEL_KEYS_DIR = tmp_path / "keys"
    with pytest.raises(CommandError, match="正式环境"):
        call_command(command)
    assert not settings.CHANNEL_KEYS_DIR.exists()


# What channels are called


def test_every_channel_has_a_name_of_its_own(db: None) -> None:
    bank = partner_called("wuxi-bank").partner
    codes = ["card", "alipay", "wechat", "counter", "bank-transfer", "debit:psbc", bank.channel]
    named = channels.titles(codes)
    assert set(named) == set(codes)
    assert len(set(named.values())) == len(codes)
    assert named["debit:psbc"] == "中国邮政储蓄银行托收"
    assert named[bank.channel] == "无锡示例银行"
    assert [one for one in codes if named[one] == one] == []


def test_every_bank_that_debits_is_named_by_its_citys_data(db: None) -> None:
    for city in book().cities:
        for leaf in book().history(city.slug, "debit") if "debit" in book().names(city.slug) else ():
            assert channels.title(f"debit:{leaf.values['bank']}") == f"{leaf.values['bank_title']}托收"


def test_many_are_named_by_one_query(db: None, django_assert_num_queries: Any) -> None:
    some = [partner_called(code).partner.channel for code in ("one-bank", "two-bank")]
    with django_assert_num_queries(1):
        channels.titles([*some, "debit:psbc"])
    with django_assert_num_queries(0):
        channels.titles(["card", "debit:psbc", "strange"])


def test_an_account_is_called_by_channel_or_agency(db: None) -> None:
    accounts = [
        ledger.account(city="wuhan", kind=AccountKind.CLEARING, channel="debit:psbc"),
        ledger.account(city="wuhan", kind=AccountKind.TRANSFER, insurance="pension", channel="shenzhen"),
        ledger.account(city="wuhan", kind=AccountKind.TRANSFER, insurance="pension", channel="outside"),
        ledger.account(city="wuhan", kind=AccountKind.POOLED, insurance="pension"),
    ]
    assert list(channels.account_titles(accounts).values()) == [
        "收款清算 · 中国邮政储蓄银行托收",
        "转移资金清算 · 养老保险 · 深圳",
        "转移资金清算 · 养老保险 · 外地经办机构",
        "统筹基金收入 · 养老保险",
    ]
