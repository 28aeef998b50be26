"""How the tests stand at a door: they open the page, read the picture as a person would, and send
the form."""

import re
from typing import Any

from captcha.models import CaptchaStore
from django.test import Client

from portal.accounts.models import OutboxMessage, User

PERSON = "/login/person/"
BY_CODE = "/login/person/?way=code"
EMPLOYER = "/login/employer/"
STAFF = "/admin/login/"


def exist(*_named: User) -> None:
    """Says that these accounts are there; the cast makes who is named."""


def picture(page: Any) -> dict[str, str]:
    """The captcha of a page, answered; nothing where the page asks for none."""
    key = re.search(r'name="captcha_0" value="(\w+)"', page.content.decode())
    if key is None:
        return {}
    return {"captcha_0": key[1], "captcha_1": CaptchaStore.objects.get(hashkey=key[1]).response}


def knock(client: Client, address: str, typed: dict[str, str], **more: Any) -> Any:
    """Open the page and send what was typed; where a captcha is asked for, also then, with it."""
    page = client.get(address, **more)
    after = re.search(r'name="next" value="([^"]*)"', page.content.decode())
    typed = {**({"next": after[1]} if after else {}), **typed}
    seen = picture(page)
    answer = client.post(address, {**seen, **typed}, **more)
    if not seen and answer.status_code == 200 and "captcha" in answer.context["form"].errors:
        answer = client.post(address, {**picture(answer), **typed}, **more)
    return answer


def last_message(phone: str) -> str:
    """The text of the last message to a phone; "" where there was none."""
    message = OutboxMessage.objects.filter(phone=phone).order_by("-sent_at", "-pk").first()
    return message.text if message else ""


def code_sent_to(phone: str) -> str:
    """The code in the last message to a phone."""
    found = re.search(r"[0-9]{6}", last_message(phone))
    assert found, f"no code for {phone}"
    return found[0]


def errors(page: Any) -> dict[str, list[str]]:
    """What the form of a page says is wrong, by field."""
    return {name: [str(text) for text in texts] for name, texts in page.context["form"].errors.items()}


def hidden(page: Any) -> dict[str, str]:
    """The values that go along hidden with the second step of a form."""
    return {field.html_name: str(field.value() or "") for field in page.context["form"].hidden_fields()}
