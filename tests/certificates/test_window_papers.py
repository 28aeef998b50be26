"""受理告知书, 业务指引告知书 and 不予受理决定书: sealed, for the applicant and the city's staff,
and verified by anyone."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from certificates import issuing, verifying
from certificates.kinds import CertificateKind
from certificates.models import Certificate
from portal.hall.models import Case, Conclusion, WindowCheck
from portal.hall.routing import Status
from portal.policy.book import Mode, book
from tests.cast import NOW, Cast
from tests.certificates.test_pages import signed_in
from tests.certificates.test_rendering import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def case(cast: Cast) -> Case:
    return Case.objects.create(
        number="330200-20261117-796PJXCD",
        city="ningbo",
        service="flexible-enroll",
        mode=Mode.MATCH,
        status=Status.PRE_APPLIED,
        filed_by=cast.wang_fang_login,
        applicant_person=cast.wang_fang,
        answers={},
        facts={"summary": [["养老保险档次", "60%"]]},
        mismatches=[{"why": "户籍地与登记不一致"}],
        key=uuid4(),
        digest="0" * 64,
        submitted_at=NOW,
        due_on="2026-12-01",
        keep_until="2026-12-17",
    )


BOOK = {"code": "household-book", "title": "户口簿", "seen": True, "agrees": True, "copied": True}


def visit(cast: Cast, case: Case, conclusion: Conclusion, words: str = "", agent: str = "") -> WindowCheck:
    return WindowCheck.objects.create(
        case=case,
        at=NOW,
        by=cast.ningbo_reviewer,
        agent_name=agent,
        agent_number=cast.li_qiang.identity_number if agent else "",
        papers=[BOOK],
        conclusion=conclusion,
        words=words,
    )


def asking(one: WindowCheck) -> str:
    return reverse("window-paper", args=[one.case.number, one.pk])


@pytest.mark.parametrize(
    ("conclusion", "words", "kind", "said"),
    [
        (
            Conclusion.ACCEPTED,
            "",
            CertificateKind.ACCEPTANCE_NOTICE,
            ["受理告知书", "户口簿（与申报一致，已留复印件）", "2026年12月1日"],
        ),
        (
            Conclusion.LACKING,
            "劳动合同原件\n近期照片",
            CertificateKind.GUIDANCE_NOTICE,
            ["业务指引告知书", "劳动合同原件", "近期照片", "2026年12月17日"],
        ),
        (
            Conclusion.DECLINED,
            "未满足在本市延缴的条件",
            CertificateKind.DECLINE_DECISION,
            ["不予受理决定书", "未满足在本市延缴的条件", "行政复议"],
        ),
    ],
)
def test_each_is_sealed_and_anyone_verifies_it(
    cast: Cast, case: Case, conclusion: Conclusion, words: str, kind: CertificateKind, said: list[str]
) -> None:
    one = visit(cast, case, conclusion, words)
    page = signed_in(cast.wang_fang_login).post(asking(one), follow=True).content.decode()
    paper = Certificate.objects.get(kind=kind)
    text = "".join(text_of(issuing.produce(paper, now=NOW)).split())
    for expected in (*said, case.number, "王芳"):
        assert expected in text
    assert said[1] in page
    assert cast.wang_fang.identity_number not in text
    verdict = verifying.verify_code(paper.code, cast.wang_fang.identity_number[-4:], now=NOW)
    assert verdict.told is not None
    assert verdict.told["title"] == said[0]


def test_shenzhen_s_acceptance_bears_its_own_agency(cast: Cast, case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(city="shenzhen")
    case.refresh_from_db()
    one = visit(cast, case, Conclusion.ACCEPTED)
    signed_in(cast.wang_fang_login).post(asking(one), follow=True)
    paper = Certificate.objects.get(kind=CertificateKind.ACCEPTANCE_NOTICE)
    text = "".join(text_of(issuing.produce(paper, now=NOW)).split())
    assert book().city("shenzhen").agency in text
    assert "受理告知书" in text


def test_staff_open_the_same_document(cast: Cast, case: Case) -> None:
    one = visit(cast, case, Conclusion.LACKING, "近期照片")
    answer = signed_in(cast.ningbo_reviewer).post(asking(one))
    assert answer["Content-Type"] == "application/pdf"
    signed_in(cast.wang_fang_login).post(asking(one))
    paper = Certificate.objects.get()
    assert issuing.produce(paper, now=NOW) == answer.content
    assert paper.issued_to == cast.wang_fang_login


def test_two_visits_have_two_papers(cast: Cast, case: Case) -> None:
    client = signed_in(cast.wang_fang_login)
    for words in ("劳动合同", "近期照片"):
        client.post(asking(visit(cast, case, Conclusion.LACKING, words)))
    assert Certificate.objects.filter(kind=CertificateKind.GUIDANCE_NOTICE).count() == 2


def test_whoever_verifies_does_not_read_the_agents_name(cast: Cast, case: Case) -> None:
    one = visit(cast, case, Conclusion.ACCEPTED, agent="欧阳建国")
    signed_in(cast.wang_fang_login).post(asking(one))
    paper = Certificate.objects.get()
    assert "由代理人欧阳建国代办" in text_of(issuing.produce(paper, now=NOW)).replace("\n", "")
    told = verifying.verify_code(paper.code, cast.wang_fang.identity_number[-4:], now=NOW).told
    assert "欧阳建国" not in str(told)


def test_others_get_what_does_not_exist(cast: Cast, case: Case) -> None:
    one = visit(cast, case, Conclusion.LACKING, "近期照片")
    for other in (cast.li_qiang_login, cast.yongjiang_clerk, cast.wuhan_reviewer):
        assert signed_in(other).post(asking(one)).status_code == 404
    assert Client().post(asking(one)).status_code == 302
    client = signed_in(cast.wang_fang_login)
    assert client.post(reverse("window-paper", args=["X", one.pk])).status_code == 404
    assert client.get(asking(one)).status_code == 405
    assert not Certificate.objects.exists()
