"""One certificate of each kind, of nobody and in no register: what it says as data, in the form
that documents are drawn from."""

from typing import Any

from certificates.issuing import facts_digest
from certificates.kinds import KINDS, CertificateKind
from certificates.models import Certificate
from tests.cast import NOW, identity_number

_ISSUER = {
    "agency": "宁波市社会保险管理服务中心",
    "city": "宁波市",
    "as_of": "2026-11-17",
    "frozen_at": NOW.isoformat(),
}
_PERSON = {"name": "王芳", "identity_number": identity_number("330211", "19880512", 24)}
_EMPLOYER = {
    "name": "宁波甬江精密机械有限公司",
    "credit_code": "91330211MA2000101L",
    "insurance_number": "33021100012345",
}
_USE = {"recipient": "宁波市住房保障中心", "purpose": "购房资格审核", "valid_until": "2027-02-15"}
_CELL = {"state": "paid", "base": "8000", "personal_fen": 64000}
_SUMS = {"personal_fen": 64000, "employer_fen": 128000, "account_fen": 64000}
_TOLD = {
    "periods": [["2020-01", "2021-07"]],
    "months": 18,
    "wages": {"2020": "96000", "2021": "48000.5"},
    "account_fen": 1152040,
    "pooled_fen": 1728060,
}
_TRANSFER = {
    "insurances": ["pension"],
    "transfer": "T330200-20261117-7KQ2M9",
    "from": {"place": "宁波市", "agency": "宁波市社会保险管理服务中心"},
    "to": {"place": "武汉市", "agency": "武汉市社会保险中心"},
    "notes": ["数据取自本机构业务系统，只含已经入账的月份。"],
}
_CASE = {
    "schema": "case-paper/1",
    "person": _PERSON,
    "case": {
        "number": "330200-20261117-796PJXCD",
        "service": "灵活就业人员参保登记",
        "submitted_at": NOW.isoformat(),
        "due_on": "2026-12-01",
    },
    "subject": _PERSON["name"],
    "lines": [["养老保险档次", "60%"], ["缴费账号", "****9999"], ["手机号码", "138****0002"]],
    "mismatches": ["户籍地与登记不一致"],
    "handed_in": [],
    "to_bring": ["户口簿（本人页）"],
    "hotline": "12333",
}
_VISIT = {
    "at": NOW.isoformat(),
    "by": "陈静",
    "agent": "",
    "papers": ["户口簿（与申报一致，已留复印件）"],
    "missing": [],
    "why": "",
    "keep_until": "2026-12-17",
}
_PAYMENTS = {
    "person": _PERSON,
    "period": {"start": "2026-09", "until": "2026-11"},
    "insurances": ["pension"],
    "payments": [
        {
            "number": "202611170000123456",
            "order": "W20261117000001",
            "channel": "银行卡",
            "received_on": "2026-11-17",
            "month": month,
            "insurance": "pension",
            "employer": "",
            "base": "4494",
            **_SUMS,
            "surcharge_fen": 123,
            "amount_fen": 192123,
        }
        for month in ("2026-09", "2026-10")
    ],
    "totals": {
        "personal_fen": 128000,
        "employer_fen": 256000,
        "surcharge_fen": 246,
        "account_fen": 128000,
        "amount_fen": 384246,
    },
}

FACTS: dict[CertificateKind, dict[str, Any]] = {
    CertificateKind.PERSON: {
        "schema": "person-proof/2",
        # 䶮 and 𬱖 stand outside the cut of the typeface: they come from the whole font.
        "person": {**_PERSON, "name": "王䶮𬱖"},
        "insurances": ["pension", "work_injury"],
        "reveals": "all",
        "use": _USE,
        "period": {"start": "2025-12", "until": "2026-12"},
        "status": {"pension": {"capacity": "employee", "since": "2025-12"}},
        "months": [
            {"month": f"2026-{month:02}", "employer": 1, "cells": {"pension": _CELL}}
            for month in range(11, 0, -1)
        ],
        "employers": [
            {
                "name": _EMPLOYER["name"],
                "credit_code": _EMPLOYER["credit_code"],
                "first": "2026-01",
                "last": "2026-11",
            }
        ],
        "totals": {
            "pension": {"paid_months": 11, "personal_fen": 704000, "left_out": {}},
            "work_injury": {"paid_months": 0, "personal_fen": 0, "left_out": {}},
        },
        "elsewhere": {},
    },
    CertificateKind.EMPLOYER: {
        "schema": "employer-proof/1",
        "employer": _EMPLOYER,
        "place": "宁波市—市本级",
        "contact": {"name": "周敏", "phone": "13900000101"},
        "period": {"start": "2026-11", "until": "2026-12"},
        "insurances": ["pension", "unemployment", "work_injury"],
        "months": [
            {
                "month": "2026-11",
                "people": 128,
                "counts": {"pension": 127, "unemployment": 127, "work_injury": 128},
            }
        ],
    },
    CertificateKind.PAYMENT_RECEIPT: {"schema": "payment-receipt/1", **_PAYMENTS},
    CertificateKind.PAYMENT_LIST: {"schema": "payment-list/1", **_PAYMENTS},
    CertificateKind.PENSION_HISTORY: {
        "schema": "pension-history/1",
        "person": _PERSON,
        "insurances": ["pension"],
        "use": _USE,
        "period": {"start": "2025-01", "until": "2026-12"},
        "years": [
            {
                "year": 2025,
                "where": _EMPLOYER["name"],
                "low": "7000",
                "high": "8000",
                "months": 12,
                "wages": "90000",
                **_SUMS,
            }
        ],
        "totals": {"months": 12, "wages": "90000", **_SUMS, "left_out": {"owed": 2}},
        "account": [
            {
                "year": 2025,
                "opening_fen": 0,
                "credited_fen": 64000,
                "interest_fen": 512,
                "moved_fen": 0,
                "closing_fen": 64512,
            }
        ],
        "brought_in": [
            {
                "place": "无锡市",
                "start": "2020-01",
                "until": "2021-01",
                "months": 12,
                "account_fen": 512000,
            }
        ],
        "in_transit": 0,
    },
    CertificateKind.CASE_RECEIPT: {**_CASE, "kind": "case", "title": "收件回执单"},
    CertificateKind.APPLICATION_FORM: {
        **_CASE,
        "kind": "form",
        "title": "灵活就业人员参保登记申请表",
        "in_full": [
            ["养老保险档次", "60%"],
            ["缴费账号", "6217990000006104"],
            ["手机号码", "13800000002"],
        ],
        "opens": "https://hall.example.gov.cn/admin/hall/case/by-number/330200-20261117-796PJXCD/",
    },
    CertificateKind.ACCEPTANCE_NOTICE: {
        **_CASE,
        "kind": "accepted",
        "title": "受理告知书",
        "mismatches": [],
        "to_bring": [],
        "visit": {**_VISIT, "agent": "李强"},
    },
    CertificateKind.GUIDANCE_NOTICE: {
        **_CASE,
        "kind": "lacking",
        "title": "业务指引告知书",
        "mismatches": [],
        "to_bring": [],
        "visit": {**_VISIT, "papers": [], "missing": ["户口簿原件", "近期照片"]},
    },
    CertificateKind.DECLINE_DECISION: {
        **_CASE,
        "kind": "declined",
        "title": "不予受理决定书",
        "mismatches": [],
        "to_bring": [],
        "visit": {**_VISIT, "papers": [], "why": "户籍登记不在本市。"},
    },
    CertificateKind.TRANSFER_VOUCHER: {
        "schema": "transfer-voucher/1",
        "person": _PERSON,
        **_TRANSFER,
        "information": _TOLD,
    },
    CertificateKind.TRANSFER_LETTER: {"schema": "transfer-letter/1", "person": _PERSON, **_TRANSFER},
    CertificateKind.TRANSFER_FORM: {
        "schema": "transfer-form/1",
        "person": _PERSON,
        **_TRANSFER,
        "information": _TOLD,
    },
}


def certificate(kind: CertificateKind, **more: Any) -> Certificate:
    """A certificate of the kind, not stored; ``more`` goes into what it says."""
    facts = {**_ISSUER, **FACTS[kind], **more}
    return Certificate(
        serial_number=f"330200-{KINDS[kind].letters}-20261117-000001",
        code="7K2M9QX4TR5WB8HJ3NZVA6CDE1FG",
        kind=kind,
        city="ningbo",
        facts=facts,
        facts_digest=facts_digest(facts),
        frozen_at=NOW,
    )
