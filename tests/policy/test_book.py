"""The book: what was in force on a day, and how a figure says where it comes from."""

import datetime as dt
import subprocess
import sys

import pytest

from portal.policy.book import NATIONAL, Leaf, PolicyMissing, Reference, UnknownCity, book, load_book


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def test_is_read_once():
    assert book() is book()


def test_the_latest_value_is_in_force_until_another_follows():
    first, second = book().history(NATIONAL, "retirement")
    assert book().leaf(NATIONAL, "retirement", day("1978-06-02")) is first
    assert book().leaf(NATIONAL, "retirement", day("2024-12-31")) is first
    assert book().leaf(NATIONAL, "retirement", day("2025-01-01")) is second
    assert book().leaf(NATIONAL, "retirement", day("2099-01-01")) is second


def test_nothing_is_in_force_before_the_first_value():
    with pytest.raises(PolicyMissing):
        book().leaf("wuxi", "flexible_pension", day("2022-12-31"))


def test_says_that_a_figure_or_a_city_is_unknown():
    with pytest.raises(PolicyMissing):
        book().leaf("wuxi", "debit", day("2026-01-01"))
    with pytest.raises(PolicyMissing):
        book().history("wuxi", "debit")
    with pytest.raises(PolicyMissing):
        book().leaf("atlantis", "charging", day("2026-01-01"))
    with pytest.raises(UnknownCity):
        book().city("atlantis")
    with pytest.raises(UnknownCity):
        book().city(NATIONAL)


def test_a_leaf_names_its_path_and_its_date():
    leaf = book().leaf("wuhan", "flexible_pension", day("2026-03-01"))
    assert leaf.path == "wuhan/flexible_pension"
    assert leaf.since == day("2013-01-01")


@pytest.mark.parametrize(
    ("on", "years"), [("2013-01-01", 0), ("2013-12-31", 0), ("2014-01-01", 1), ("2026-02-28", 13)]
)
def test_a_leaf_says_how_old_it_is(on, years):
    assert book().leaf("wuhan", "flexible_pension", day(on)).age_years(day(on)) == years


def test_a_value_since_29_february_is_a_year_old_on_1_march():
    leaf = Leaf(path="", since=day("2024-02-29"), values={}, reference=Reference("", "public"))
    assert leaf.age_years(day("2025-02-28")) == 0
    assert leaf.age_years(day("2025-03-01")) == 1


def test_what_was_read_cannot_be_changed():
    leaf = book().leaf("wuhan", "flexible_pension", day("2026-03-01"))
    with pytest.raises(TypeError):
        leaf.values["rate"] = None  # type: ignore[index]
    with pytest.raises(TypeError):
        leaf.values["tiers"][0]["share"] = None
    with pytest.raises(TypeError):
        book().city("ningbo").offers["employer-add-staff"].options["start_months"] = None  # type: ignore[index]
    with pytest.raises(AttributeError):
        leaf.since = day("2000-01-01")  # type: ignore[misc]


@pytest.mark.parametrize(
    ("reference", "mark"),
    [
        (Reference("", "seed"), ""),
        (Reference("", "public"), ""),
        (Reference("", "derived"), ""),
        (Reference("", "local"), "示例值"),
        (Reference("", "memory"), "推定值"),
        (Reference("", "ours"), "推定值"),
        (Reference("", "seed", since_standing="ours"), "起始日期为推定"),
        (Reference("", "seed", since_standing="seed"), ""),
        (Reference("", "local", since_standing="ours"), "示例值"),
    ],
)
def test_what_no_document_says_is_marked(reference, mark):
    assert reference.mark == mark
    assert reference.illustrative == bool(mark)


def test_an_amounts_remark_says_how_well_and_how_long_its_figures_are_known():
    leaf = book().leaf("wuhan", "flexible_pension", day("2026-11-30"))
    assert leaf.remark(day("2026-11-30")) == "起始日期为推定，已执行 13 年"
    assert leaf.remark(day("2013-06-01")) == "起始日期为推定"
    wuxi = book().leaf("wuxi", "flexible_pension", day("2023-06-01"))
    assert wuxi.remark(day("2023-06-01")) == ""


def test_loading_twice_gives_the_same():
    assert [city.slug for city in load_book().cities] == [city.slug for city in book().cities]


def test_knows_neither_django_nor_the_rest_of_the_hall():
    modules = ["book", "terms", "retirement", "workdays"]
    code = (
        f"import sys; {'; '.join(f'import portal.policy.{name}' for name in modules)}; "
        "print(sorted(name for name in sys.modules if name.split('.')[0] == 'django' "
        "or name.startswith('portal.') and name.split('.')[1] not in ('policy', 'shared')))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
