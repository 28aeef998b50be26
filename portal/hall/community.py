"""Cities whose people get the right to act online at a community desk: who may file there, and what
is told where a desk files."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts import notices
from portal.hall.models import Case
from portal.hall.service import Applicant, Audience, Bar, Service, Theme
from portal.hall.ways import Way
from portal.policy.book import Offer, book
from portal.qualifications import rights
from portal.qualifications.rights import Standing
from portal.shared.months import day_zh, today_in_china
from portal.shared.tables import Some


def bar(applicant: Applicant, offer: Offer, service: Service, now: datetime) -> Bar | None:
    """Why the person who is logged in may not file this here; None where they may. Proofs, and what
    the city counts as looking up, are open to every qualification; a desk files for whoever stands
    there."""
    user = applicant.user
    if service.audience != Audience.PERSON or not user.is_person or user.person is None:
        return None
    stands = rights.of(user.person, offer.city, now)
    looks_up = service.theme == Theme.PROOF or (stands.terms and service.code in stands.terms.queries)
    if stands.may_file or (looks_up and stands.standing not in (Standing.NONE, Standing.ENDED)):
        return None
    return _BARS[stands.standing](offer.city)


def _desks(city: str) -> tuple[Way, ...]:
    # A sentence names the desks by this word.
    return (Way(_("社区网点"), _("社区网点"), reverse("desks", args=[city])),)


def _none(city: str) -> Bar:
    why = _("{city}的业务须先携带身份证到社区网点开通网上办事资格，然后在网上办理。")
    return Bar("", why.format(city=book().city(city).title), _desks(city))


def _ended(city: str) -> Bar:
    return Bar("", _("您的网上办事资格已终止，请携带身份证到社区网点办理。"), _desks(city))


def _query(city: str) -> Bar:
    return Bar("", _("请先到社区网点签订网上办事承诺书。"), _desks(city))


def _employed(city: str) -> Bar:
    return Bar("", _("您由单位参保，本业务由所在单位申报；您可以查询参保缴费记录。"))


def _letter(city: str) -> Bar:
    words = _("签订网上办事承诺书")
    why = _("请先签订网上办事承诺书，再来办理；也可以到社区网点签订。")
    return Bar("", why, (Way(words, words, reverse("letter", args=[city])), *_desks(city)))


# Who stands otherwise may file.
_BARS = Some(
    {
        Standing.NONE: _none,
        Standing.ENDED: _ended,
        Standing.QUERY: _query,
        Standing.EMPLOYED: _employed,
        Standing.LETTER: _letter,
    }
)


def desk_of(case: Case) -> str:
    """The desk that filed the case for the resident; "" where another did."""
    if case.applicant_employer_id is not None:
        return ""
    return case.filed_by.at_desk.desk.title if case.filed_by.is_desk else ""


def words(case: Case) -> str:
    """That a desk filed the case, and for whom: 由…（经办人）为…办理; "" where another did."""
    title = desk_of(case)
    if not title or case.applicant_person is None:
        return ""
    return _("由{desk}（{clerk}）为{name}办理").format(
        desk=title, clerk=case.filed_by.name, name=case.applicant_person.name
    )


def tell(case: Case, *, now: datetime) -> None:
    """Tells the resident for whom a desk has filed."""
    title, person = desk_of(case), case.applicant_person
    if not title or person is None:
        return
    text = _("{desk}于{day}为{name}办理了{service}（{number}），如有异议请拨打12333。")
    notices.tell(
        person,
        kind="filed-by-desk",
        reference=case.number,
        title=_("社区为您办理了业务"),
        text=text.format(
            desk=title,
            day=day_zh(today_in_china(now)),
            name=person.name,
            service=case.offer.title,
            number=case.number,
        ),
        now=now,
    )
