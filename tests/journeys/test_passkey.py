"""通行密钥: a member of staff makes one in the browser, comes in by it, and is told what is wrong
where it does not work."""

from typing import Any

from playwright.sync_api import expect

from portal.accounts.models import Notice, PasskeyTries
from tests.cast import Cast
from tests.journeys.conftest import Visitors
from tests.journeys.visitor import Visitor


class Device:
    """The authenticator of the visitor's machine, as Chromium plays it."""

    def __init__(self, visitor: Visitor) -> None:
        self.line = visitor.page.context.new_cdp_session(visitor.page)
        self.line.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self.line.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def tell(self, what: str, **more: Any) -> Any:
        return self.line.send(f"WebAuthn.{what}", {"authenticatorId": self.id, **more})


def test_a_passkey_is_made_used_and_looked_after(visitor: Visitors, cast: Cast) -> None:
    user, ma = cast.ningbo_reviewer, visitor()
    device = Device(ma)

    ma.knock_as_staff(user)
    ma.is_at("设置两步验证")
    ma.fill(名称="办公室电脑")
    ma.press("绑定通行密钥")
    ma.is_at("保存恢复码")
    ma.follow("已保存，继续")
    ma.arrives("/admin/")

    # In again, by the keyboard alone.
    ma.page.context.clear_cookies()
    ma.knock_as_staff(user)
    ma.is_at("两步验证")
    button = ma.page.get_by_role("button", name="使用通行密钥")
    button.focus()
    ma.page.keyboard.press("Enter")
    ma.arrives("/admin/")

    ma.go("/account/")
    ma.follow("修改", ma.main)
    ma.sees("办公室电脑", "没有绑定", "不能删除")

    # The machine has one already; then a finger that it does not know.
    ma.fill(名称="又一个")
    ma.press("添加通行密钥")
    expect(ma.page.get_by_role("alert")).to_contain_text("已有您账号的通行密钥")
    ma.page.context.clear_cookies()
    ma.knock_as_staff(user)
    device.tell("setUserVerified", isUserVerified=False)
    ma.press("使用通行密钥")
    expect(ma.page.get_by_role("alert")).to_contain_text("没有完成")

    # A copy of the key that has counted less: the hall refuses, and the page asks again.
    device.tell("setUserVerified", isUserVerified=True)
    [key] = device.tell("getCredentials")["credentials"]
    device.tell("removeCredential", credentialId=key["credentialId"])
    device.tell("addCredential", credential={**key, "signCount": 0})
    ma.press("使用通行密钥")
    ma.sees("没有通过校验")
    PasskeyTries.objects.update(throttling_failure_timestamp=None)
    device.tell("clearCredentials")
    device.tell("addCredential", credential={**key, "signCount": 100})
    ma.press("使用通行密钥")
    ma.arrives("/admin/")
    assert Notice.objects.filter(user=user, title="已添加通行密钥").count() == 1


def test_a_browser_without_passkeys_says_so_and_takes_the_code(visitor: Visitors, cast: Cast) -> None:
    user, ma = cast.ningbo_reviewer, visitor()
    ma.page.add_init_script("delete window.PublicKeyCredential")
    ma.knock_as_staff(user)
    ma.press("绑定通行密钥")
    expect(ma.page.get_by_role("alert")).to_contain_text("不支持通行密钥")
    expect(ma.field("应用显示的 6 位动态验证码")).to_be_visible()
