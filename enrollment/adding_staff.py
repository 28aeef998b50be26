"""Adding a member of staff: what is read about them, and what keeps them from being insured by
their employer. For one person, and for the list with which an employer opens its account."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from enrollment import queries
from enrollment.insurance_choice import chosen
from enrollment.queries import Held
from enrollment.ways import to_stop
from portal.hall.models import Case
from portal.hall.service import Ask, Bar
from portal.people import papers
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.retirement import flexible_category, retirement, worker_category
from portal.policy.terms import people
from portal.shared import identity, names
from portal.shared.ages import has_reached
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity
from portal.shared.months import Month, today_in_china

# The service that the former employer files.
STOP = "employer-stop-staff"

WORKER, MANAGEMENT = "worker", "management"


def named_otherwise(registered: str) -> str:
    """The message where the number belongs to a person of another name."""
    return _(
        "这个号码登记的姓名是“{name}”，与您填写的不一致。请核对号码是否输错；号码无误而职工已改名的，请职工带身份证到窗口更新姓名后再申报。"
    ).format(name=identity.mask_name(registered))


@dataclass(frozen=True)
class AddStaffFacts:
    """Plain values: what the person holds, and the ages that the law asks about."""

    known: bool
    registered_name: str
    held: list[Held]
    employer_id: int | None
    working_age: int
    of_working_age: bool
    retires: Month
    # Women in workers' posts (生产、操作岗位) retire earlier than women in management and
    # technical posts. For men both months are equal.
    retires_as_worker: Month
    register_within_days: int
    hired_days_ago: int
    # The employers whose stop of this person is filed and not decided yet.
    stopping: tuple[int, ...] = ()
    # Whether the number was registered wrongly for the named person, and has been corrected.
    corrected: bool = False

    @property
    def resumes(self) -> bool:
        return any(one.capacity == Capacity.EMPLOYEE for one in self.held)

    def frozen(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "held": [one.described() for one in self.held],
            "retires": str(self.retires),
            "retires_as_worker": str(self.retires_as_worker),
            "kind": "resumption" if self.resumes else "new",
        }


def facts_about(
    ask: Ask,
    *,
    person: Person | None,
    held: list[Held],
    stopping: Iterable[Case],
    corrected: bool,
    employer_id: int | None,
) -> AddStaffFacts:
    """The facts of one member of staff, of what has been read about them; ``employer_id`` None
    where the employer's account is only about to be opened."""
    today = today_in_china(ask.filed_at)
    hired_on = date.fromisoformat(str(ask.answers["hired_on"]))
    paper = papers.of_told(ask.answers)
    born = Month.of((person and person.archive_birth_date) or paper.birth_date)
    age = people.working_age(book(), on=today)
    flexible, worker = flexible_category(paper.sex), worker_category(paper.sex)
    return AddStaffFacts(
        known=person is not None,
        corrected=corrected,
        registered_name=person.name if person else "",
        held=held,
        employer_id=employer_id,
        working_age=age,
        of_working_age=has_reached(paper.birth_date, age, on=hired_on),
        retires=retirement(book(), born=born, category=flexible, on=today).month,
        retires_as_worker=retirement(book(), born=born, category=worker, on=today).month,
        register_within_days=people.register_within_days(book(), on=today),
        hired_days_ago=(today - hired_on).days,
        stopping=tuple(case.applicant_employer_id for case in stopping if case.applicant_employer_id),
    )


def why_not(ask: Ask, facts: AddStaffFacts) -> Iterator[Bar]:
    """Pure: what keeps the person from being insured as asked; nothing where they can be."""
    starts = chosen(ask, "start")
    if facts.registered_name and not names.agree(str(ask.answers["name"]), facts.registered_name):
        yield Bar("name", named_otherwise(facts.registered_name))
    if facts.corrected:
        yield Bar(
            "identity_number",
            _("这个号码登记有误，已由社保经办机构更正。请按职工现在的证件核对，用正确的号码申报。"),
        )
    if not facts.of_working_age:
        yield Bar(
            "identity_number",
            _("这名人员在用工起始日期（{day}）未满 {age} 周岁，不能由单位招用参保。").format(
                day=ask.answers["hired_on"], age=facts.working_age
            ),
        )
    first_start, last_start = min(starts.values()), max(starts.values())
    post = str(ask.answers.get("post", ""))
    if facts.retires_as_worker <= last_start < facts.retires and post != MANAGEMENT:
        words = {"worker": facts.retires_as_worker.zh, "management": facts.retires.zh}
        if post == WORKER:
            why = _(
                "这名女职工在生产、操作岗位，已达到法定退休年龄（{worker}），不能再由单位参加职工社会保险。"
            )
        else:
            why = _(
                "请选择岗位：这名女职工在生产、操作岗位的，{worker}达到法定退休年龄；在管理、技术岗位的，{management}达到。"
            )
        yield Bar("post", why.format(**words))
    if last_start >= facts.retires:
        yield Bar(
            "identity_number",
            _("这名人员已达到法定退休年龄（{month}），不能再由单位参加职工社会保险。").format(
                month=facts.retires.zh
            ),
        )
    yield from _on_their_own(queries.to_go_on(facts.held, month=first_start, capacity=Capacity.FLEXIBLE))
    residents = queries.to_go_on(facts.held, month=first_start, capacity=Capacity.RESIDENT)
    yield from _on_their_own([coverage for coverage in residents if coverage.insurance in starts])
    # Coverages of one employer that end in one month need one action. One message names all
    # their insurances.
    running: dict[tuple[int | None, str, Month | None], list[Held]] = {}
    for insurance, start in starts.items():
        for holding in queries.to_go_on(facts.held, month=start, capacity=Capacity.EMPLOYEE):
            if holding.insurance == insurance:
                running.setdefault((holding.employer_id, holding.city, holding.until), []).append(holding)
    for coverages in running.values():
        yield Bar(f"start_{coverages[0].insurance}", _still_employed(coverages, facts, ask.offer.city))


def _on_their_own(holdings: list[Held]) -> Iterator[Bar]:
    """What a person who pays on their own must do first. ``holdings`` are of one capacity; where
    all of them have an end, the message names the month to file in."""
    if not holdings:
        return
    city, capacity = holdings[0].city, holdings[0].capacity
    place = book().city(city).title
    names = "、".join(INSURANCE_LABELS[one.insurance] for one in holdings)
    ends = [one.until for one in holdings]
    if all(ends):
        until = max(end for end in ends if end)
        why = _(
            "这名人员以{capacity}身份的参保（{city}，{insurances}）已办理停保，缴费到{last}为止。请在{month}再申报，从{month}起参保。"
        ).format(
            capacity=CAPACITY_LABELS[capacity],
            city=place,
            insurances=names,
            last=(until - 1).zh,
            month=until.zh,
        )
        yield Bar("identity_number", why)
        return
    stop = to_stop(capacity).at(city)
    why = _(
        "这名人员仍以{capacity}身份在{city}缴费（{insurances}）。请先由本人{stop}，再从停保的月份起申报。"
    ).format(capacity=CAPACITY_LABELS[capacity], city=place, insurances=names, stop=stop)
    yield Bar("identity_number", why, (stop,))


def _still_employed(coverages: list[Held], facts: AddStaffFacts, city: str) -> str:
    """Why a person whom an employer insures cannot be added yet, and what must happen first.
    ``coverages`` differ only in the insurance."""
    coverage = coverages[0]
    same_employer = facts.employer_id is not None and coverage.employer_id == facts.employer_id
    elsewhere = (
        ""
        if same_employer or coverage.city == city
        else _("（{city}）").format(city=book().city(coverage.city).title)
    )
    words = {
        "insurance": "、".join(INSURANCE_LABELS[each.insurance] for each in coverages),
        "city": elsewhere,
    }
    if coverage.until is not None:
        words |= {"last": (coverage.until - 1).zh, "month": coverage.until.zh}
        if same_employer:
            return _("这名职工在本单位的{insurance}缴费到{last}为止，请从{month}起申报续保。").format(**words)
        return _(
            "这名职工在其他单位{city}的{insurance}已停保，缴费到{last}为止。请从{month}起参保；现在选不到的，请到该月再申报。"
        ).format(**words)
    if same_employer:
        if coverage.employer_id in facts.stopping:
            return _(
                "这名职工仍由本单位参加{insurance}，停保申报正在审核。请等审核办结，或先撤回停保申报。"
            ).format(**words)
        return _("这名职工已由本单位参加{insurance}，不需要重复申报。").format(**words)
    if coverage.employer_id in facts.stopping:
        return _(
            "这名职工在其他单位{city}的{insurance}停保申报正在审核，审核通过后再从停保的月份起申报。"
        ).format(**words)
    return _(
        "这名职工在其他单位{city}的{insurance}还未停保。请职工联系原单位停保，或从停保后的月份开始参保。"
    ).format(**words)
