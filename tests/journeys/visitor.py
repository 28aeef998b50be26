"""Someone before a browser: finds things by the words on them, as people do."""

import re
from typing import Any, Self
from urllib.parse import urlsplit

from captcha.models import CaptchaStore
from playwright.sync_api import ConsoleMessage, Error, Locator, Page, Response, expect

from portal.accounts.models import User
from tests.cast import PASSWORD
from tests.factor import code_for

# What a browser says of an answer that is an error on purpose: a refused form, a page that is not
# there.
_EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


class Visitor:
    """A browser's page, and what one does with it. ``faults`` collects what should never happen:
    scripts that break, 500s."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        self._listen(page)
        page.context.on("page", self._listen)

    def _listen(self, page: Page) -> None:
        page.on("pageerror", self._broke)
        page.on("console", self._said)
        page.on("response", self._answered)

    def _broke(self, error: Error) -> None:
        self.faults.append(f"{error.name}: {error.message}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _EXPECTED.search(message.text):
            self.faults.append(message.text)

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status} {response.url}")

    # Going

    def go(self, address: str) -> int:
        """Opens an address of the hall; the status of the answer."""
        answer = self.page.goto(address)
        assert answer is not None
        return answer.status

    def follow(self, words: str, within: Locator | None = None, *, exact: bool = False) -> None:
        """Follows the first link with these words."""
        (within or self.page).get_by_role("link", name=words, exact=exact).first.click()

    def press(self, words: str, within: Locator | None = None, *, exact: bool = False) -> None:
        """Presses the first button with these words."""
        (within or self.page).get_by_role("button", name=words, exact=exact).first.click()

    def press_summary(self, words: str) -> None:
        """Opens what can be opened."""
        self.main.locator("summary").filter(has_text=words).first.click()

    def arrives(self, path: str) -> None:
        """Waits until a page of that path is there, whatever its query says comes next."""
        self.page.wait_for_url(lambda address: urlsplit(address).path == path)

    # Seeing

    @property
    def main(self) -> Locator:
        return self.page.locator("#main")

    def sees(self, *words: str | re.Pattern[str], within: Locator | None = None) -> None:
        """All these words are there to be read, in the page's main part."""
        for each in words:
            expect((within or self.main).get_by_text(each).filter(visible=True).first).to_be_visible()

    def sees_not(self, *words: str) -> None:
        expect(self.main).to_be_visible()
        for each in words:
            expect(self.main.get_by_text(each).filter(visible=True)).to_have_count(0)

    def is_at(self, title: str | re.Pattern[str]) -> None:
        """The page's first heading."""
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(title)

    def error_beside(self, label: str, words: str | re.Pattern[str]) -> None:
        """The error stands beside the field of that label, and in the summary that leads to it."""
        field = self.field(label).or_(self.group(label)).first
        described = (field.get_attribute("aria-describedby") or "").split()
        [error] = [one for one in described if one.endswith("_error")]
        expect(self.page.locator(f"#{error}")).to_contain_text(words)
        expect(self.page.get_by_role("alert").filter(has_text=words)).to_be_visible()

    # Filling in

    def field(self, label: str) -> Locator:
        return (
            self.page.get_by_label(label)
            .and_(self.page.locator("input:not([type=hidden]), select, textarea, fieldset"))
            .first
        )

    def group(self, legend: str) -> Locator:
        """The choices under a legend."""
        return self.main.get_by_role("group", name=legend).first

    def fill(self, **typed: str) -> None:
        """Types into fields, by label."""
        for label, text in typed.items():
            self.field(label).fill(text)

    def choose(self, legend: str, option: str) -> None:
        """Picks one of the choices under a legend, by a click where its label is, whatever lies on
        top there."""
        choice = self.option(legend, option)
        self.main.locator(f"label[for='{choice.get_attribute('id')}']").click(force=True)
        expect(choice).to_be_checked()

    def option(self, legend: str, option: str) -> Locator:
        """One of the choices under a legend, by how its label begins."""
        return self.group(legend).get_by_label(re.compile(f"^\\s*{re.escape(option)}")).first

    def read_captcha(self) -> None:
        """Types what the picture shows: its answer is looked up where the hall keeps it."""
        [key] = [one.input_value() for one in self.page.locator("input[name=captcha_0]").all()]
        self.page.locator("input[name=captcha_1]").fill(CaptchaStore.objects.get(hashkey=key).response)

    # Coming in

    def come_in_as_clerk(self, user: User, *, by_phone: bool = False) -> None:
        """Through the door for employers."""
        assert user.employer is not None
        self.go("/login/employer/")
        self.fill(
            统一社会信用代码=user.employer.credit_code,
            经办人=user.phone if by_phone else user.name,
            密码=PASSWORD,
        )
        self.press("登录", self.main)
        self.knows(user)

    def come_in_as_person(self, login: str, user: User) -> None:
        """Through the door for persons, by identity number or phone and password."""
        self.go("/login/person/")
        self.fill(身份证件号码=login, 密码=PASSWORD)
        self.press("登录", self.main)
        self.knows(user)

    def come_in_as_staff(self, user: User) -> None:
        """Through the staff's door, into the workbench."""
        code_for(user)
        self.knock_as_staff(user)
        self.arrives("/staff/factor/")
        self.fill(动态验证码=code_for(user))
        self.press("继续", self.main)
        self.arrives("/admin/")

    def knock_as_staff(self, user: User) -> None:
        """At the staff's door, with the password."""
        self.go("/admin/")
        self.fill(用户名=user.username, 密码=PASSWORD)
        self.press("登录", self.main)

    def knows(self, user: User) -> None:
        """The head of the page names who is logged in."""
        expect(self.page.get_by_role("banner").locator("summary").filter(has_text=user.name)).to_be_visible()

    def close(self) -> None:
        self.page.context.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *what: Any) -> None:
        self.close()
