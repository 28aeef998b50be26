"""A policy file that is wrong stops the program at start, and says where."""

import shutil
from pathlib import Path

import pytest

from portal.policy.book import DATA, PolicyError, load_book


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def change(data: Path, file: str, old: str, new: str) -> None:
    path = data / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def wrong(data: Path) -> PolicyError:
    with pytest.raises(PolicyError) as refused:
        load_book(data)
    return refused.value


def test_the_unchanged_copy_is_right(data):
    assert len(load_book(data).cities) == 4


def test_where_employers_are_charged_it_is_said_to_which_account_they_pay(data):
    change(data, "wuhan/transfer_account.yaml", '"2013-01-01":', '"2020-01-01":')
    change(data, "wuhan/transfer_account.yaml", '"2013-01-01":', '"2020-01-01":')
    assert wrong(data).file == "wuhan/transfer_account.yaml"
    (data / "wuhan" / "transfer_account.yaml").unlink()
    assert "account" in str(wrong(data))


PENSION = "wuhan/flexible_pension.yaml"


@pytest.mark.parametrize(
    ("old", "new", "date", "key"),
    [
        ('rate: "0.20"', "rate: 1", "2013-01-01", "values.rate"),
        ('rate: "0.20"', 'rate: "20 %"', "2013-01-01", "values.rate"),
        ('rate: "0.20"', 'rate: "-0.20"', "2013-01-01", "values.rate"),
        ('rate: "0.20"', 'rate: "2.0"', "2013-01-01", "values.rate"),
        ('rate: "0.20"', 'rate: "NaN"', "2013-01-01", "values.rate"),
        ('rate: "0.20"', "rate: true", "2013-01-01", "values.rate"),
        ('rate: "0.20"', "rate:", "2013-01-01", "values.rate"),
        ('    rate: "0.20"\n', "", "2013-01-01", "values.rate"),
        ('average_wage: "3275.30"', 'average_wage: "0"', "2013-01-01", "values.average_wage"),
        ('average_wage: "3275.30"', 'averge_wage: "3275.30"', "2013-01-01", "values.averge_wage"),
        ('    average_wage: "3275.30"\n', "", "2013-01-01", "values"),
        ('    floor_share: "0.60"\n', "", "2013-01-01", "values"),
        ('    floor_share: "0.60"\n', '    floor_share: "0.60"\n    floor: "1"\n', "2013-01-01", "values"),
        ('floor_share: "0.60"', 'floor_share: "3.50"', "2013-01-01", "values"),
        ('floor_share: "0.60"', 'floor_share: "0.61"', "2013-01-01", "values"),
        ('share: "0.80"', 'share: "8.0"', "2013-01-01", "values"),
        ('code: "80"', 'code: "60"', "2013-01-01", "values.tiers"),
        ('code: "80"', "code: 80", "2013-01-01", "values.tiers.2.code"),
        ("standing: derived", "standing: rumour", "2013-01-01", "references.standing"),
        ("    standing: derived\n", "", "2013-01-01", "references.standing"),
        ('references:\n  "2013-01-01":', 'references:\n  "2013-01-02":', "2013-01-01", "references"),
        ('values:\n  "2013-01-01":', 'values:\n  "2013-02-30":', "", "values"),
        ('values:\n  "2013-01-01":', 'values:\n  "20130101":', "", "values"),
        ("values:\n", "value:\n", "", "value"),
    ],
)
def test_a_wrong_figure_is_named_by_file_date_and_key(data, old, new, date, key):
    change(data, PENSION, old, new)
    error = wrong(data)
    assert (error.file, error.date, error.key) == (PENSION, date, key)
    for part in (PENSION, date, key):
        assert part in str(error)


def test_a_float_is_refused_even_where_it_looks_right(data):
    for written in ("0.20", ".2", "2e-1", "-0.2", "1_000.5"):
        (data / PENSION).write_bytes((DATA / PENSION).read_bytes())
        change(data, PENSION, 'rate: "0.20"', f"rate: {written}")
        error = wrong(data)
        assert error.file == PENSION
        assert "float" in str(error)
        assert f'"{written}"' in str(error)


def test_a_key_twice_is_refused(data):
    change(data, PENSION, '    rate: "0.20"\n', '    rate: "0.20"\n    rate: "0.30"\n')
    assert "twice" in str(wrong(data))


def test_dates_rise(data):
    for start in ("{year: 2023", "{title: 2023"):
        change(data, "national/account_interest.yaml", f'"2023-01-01": {start}', f'"2024-06-01": {start}')
    error = wrong(data)
    assert (error.file, error.date) == ("national/account_interest.yaml", "2024-01-01")


def test_a_reference_without_its_value_is_refused(data):
    change(
        data,
        "national/working_age.yaml",
        "references:\n",
        'references:\n  "2030-01-01": {title: 尚无此值, standing: public}\n',
    )
    error = wrong(data)
    assert (error.date, error.key) == ("2030-01-01", "references")


@pytest.mark.parametrize(
    ("file", "old", "new", "key"),
    [
        ("wuhan/debit.yaml", "debit_day: last", "debit_day: first", "values.debit_day"),
        ("wuhan/debit.yaml", "deposit_by_day: 20", "deposit_by_day: 31", "values.deposit_by_day"),
        ("wuxi/payment.yaml", "[card, ", "[cash, ", "values.channels.1"),
        ("wuxi/payment.yaml", "minutes: 30", "minutes: 0", "values.order_minutes"),
        ("shenzhen/payment.yaml", '"17:00"', '"08:00"', "values.bank_hours"),
        ("shenzhen/payment.yaml", '"17:00"', '"24:00"', "values.bank_hours.until"),
        ("shenzhen/payment.yaml", '"09:00"', '"9:00"', "values.bank_hours.from"),
        ("wuhan/debit.yaml", "capacities: [flexible]", "capacities: []", "values.capacities"),
        ("wuhan/charging.yaml", "{employee: 1", "{owner: 1", "values.days.owner"),
        ("national/retirement.yaml", ", most_months: 36}", "}", "values"),
        (
            "national/retirement.yaml",
            "delayed_from: 1965-01",
            "delayed_from: 1965",
            "values.categories.man.delayed_from",
        ),
        ("national/work_injury_grades.yaml", "8:", "9:", "values.rates.9"),
        ("national/account_interest_method.yaml", "month_products}", "yearly}", "values"),
        (
            "wuhan/employee_work_injury.yaml",
            "employer_rate_by: industry_grade",
            'employer_rate: "1.1"',
            "values.employer_rate",
        ),
        ("wuhan/employee_pension.yaml", '    employer_rate: "0.16"\n', "", "values"),
        ("wuhan/employee_pension.yaml", 'floor_share: "0.60"', 'floor_share: "3.50"', "values"),
        ("wuxi/flexible_pension.yaml", '"4494"\n', '"4494"\n    floor_share: "0.60"\n', "values"),
        ("wuhan/city.yaml", '"420100"', '"4201"', "code"),
        ("wuhan/city.yaml", 'code: "420103"', 'code: "420102"', "districts"),
        ("wuhan/city.yaml", "hotline: ", "phone: ", "phone"),
        ("wuhan/offers.yaml", "mode: review", "mode: lottery", "employer-add-staff.mode"),
        ("wuhan/offers.yaml", "  days: 5\n", "", "employer-add-staff"),
        ("wuhan/offers.yaml", "since: 2013-01-01", "since: 2013", "employer-add-staff.since"),
        (
            "wuhan/offers.yaml",
            "pension: [0]",
            "pensoin: [0]",
            "employer-add-staff.options.start_months.pensoin",
        ),
        (
            "wuhan/offers.yaml",
            "pension: [0]",
            "pension: [0, 0]",
            "employer-add-staff.options.start_months.pension",
        ),
        (
            "wuhan/offers.yaml",
            "start_months: {",
            "first_months: {",
            "employer-add-staff.options.first_months",
        ),
        ("wuhan/offers.yaml", "[days, papers, start_months]", "[days, stop_months]", "employer-add-staff"),
        (
            "wuhan/offers.yaml",
            "upload: true, required_when",
            "upload: true, required: false, required_when",
            "flexible-enroll",
        ),
        ("wuhan/offers.yaml", "kind: photo", "kind: film", "flexible-enroll.papers.1.kind"),
        (
            "ningbo/offers.yaml",
            "entrance_with: flexible-pause",
            "entrance_with: person-proof",
            "flexible-enroll.entrance_with",
        ),
    ],
)
def test_every_kind_of_file_is_checked(data, file, old, new, key):
    change(data, file, old, new)
    error = wrong(data)
    assert (error.file, error.key) == (file, key)


def test_a_proof_of_what_another_agency_runs_is_refused(data):
    change(data, "ningbo/run_elsewhere.yaml", "insurance: medical", "insurance: unemployment")
    error = wrong(data)
    assert (error.file, error.key) == ("ningbo/offers.yaml", "employer-proof.proof")


def test_unknown_files_are_refused(data):
    (data / "wuxi" / "weather.yaml").write_text("values: {}", encoding="utf-8")
    assert wrong(data).file == "wuxi/weather.yaml"


def test_a_file_of_another_kind_is_refused(data):
    (data / "wuxi" / "charging.yaml").rename(data / "wuxi" / "charging.yml")
    assert wrong(data).file == "wuxi/charging.yml"


def test_a_city_needs_its_name(data):
    (data / "wuxi" / "city.yaml").unlink()
    error = wrong(data)
    assert error.file == "wuxi/city.yaml"
    assert "missing" in str(error)


def test_two_cities_cannot_share_a_code(data):
    change(data, "wuxi/city.yaml", '"320200"', '"330200"')
    assert wrong(data).key == "code"


@pytest.mark.parametrize("content", [b"", b"[]", b"values: [", b"\xff\xfe", b"values: {}\nreferences: {}"])
def test_a_file_that_is_no_policy_is_refused(data, content):
    (data / "wuhan" / "debit.yaml").write_bytes(content)
    assert wrong(data).file == "wuhan/debit.yaml"


def test_a_city_is_one_folder(data):
    shutil.copytree(data / "wuxi", data / "suzhou")
    for old, new in (('"320200"', '"320500"'), ("order: 3", "order: 5"), ("title: 无锡\n", "title: 苏州\n")):
        change(data, "suzhou/city.yaml", old, new)
    loaded = load_book(data)
    assert [city.title for city in loaded.cities] == ["宁波", "武汉", "无锡", "深圳", "苏州"]
    assert loaded.city("suzhou").code == "320500"
