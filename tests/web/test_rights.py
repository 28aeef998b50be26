"""The database's two roles: what the one that the hall works as may not do, by permission and not
only by trigger."""

from collections.abc import Callable, Iterator
from typing import Any

import pgtrigger
import psycopg2
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from psycopg2.errors import InsufficientPrivilege

from contributions.models import Charge, Entry, LedgerAccount, OrderStatus, Receipt
from portal import rights
from portal.hall.models import CaseEvent
from portal.web.deployment import database_is_ready
from tests.cast import Cast
from tests.contributions.conftest import exchange, road
from tests.contributions.money_cast import Road, worker
from tests.contributions.orders.conftest import Till, audit, providers, till
from tests.roles import as_app, login, needs_app_role
from tests.web.conftest import ADD_STAFF, file_case

__all__ = ["exchange", "providers", "road", "till"]

pytestmark = pytest.mark.django_db

KEPT = sorted(name for name in rights.tables() if rights.is_only_appended_to(name))
NEVER_DELETED = sorted(name for name, may in rights.tables().items() if "DELETE" not in may)


@pytest.fixture
def app(db: None) -> Iterator[Callable[[str], None]]:
    """Runs a statement in the test's database, on a connection of the app's role itself."""
    needs_app_role()
    to = connection.settings_dict
    own = psycopg2.connect(
        dbname=to["NAME"],
        host=to["HOST"],
        port=to["PORT"],
        user=login()["USER"],
        password=login()["PASSWORD"],
    )
    own.autocommit = True

    def run(statement: str) -> None:
        with own.cursor() as cursor:
            cursor.execute(statement)

    yield run
    own.close()


def refused(run: Callable[[str], None], statement: str) -> bool:
    """Whether for want of the permission; what is wrong with a statement otherwise is not taken for
    it."""
    try:
        run(statement)
    except InsufficientPrivilege:
        return True
    return False


# What is only appended to


def test_which_tables_are_only_appended_to_follows_from_their_triggers() -> None:
    named = {
        "contributions_entry",
        "contributions_leg",
        "contributions_receipt",
        "contributions_ledgeraccount",
        "contributions_accountmovement",
        "contributions_paymentnotice",
        "contributions_bankfile",
        "contributions_auditrun",
        "hall_caseevent",
        "accounts_personlookup",
        "partners_keptanswer",
        "transfers_message",
        "certificates_verificationlog",
        "people_personevent",
        "enrollment_coverageevent",
        "django_admin_log",
    }
    assert named <= set(KEPT)
    histories = {one._meta.db_table for one in apps.get_models() if one.__name__.endswith("Event")}
    assert histories <= set(KEPT), "every history and every move"
    assert not {"contributions_charge", "hall_case", "hall_draft", "people_person"} & set(KEPT)


def test_it_is_not_changed_or_deleted_by_permission(app: Callable[[str], None]) -> None:
    app("SELECT 1")
    changed = [name for name in KEPT if not refused(app, f"UPDATE {name} SET id = id WHERE false")]  # noqa: S608
    deleted = [name for name in NEVER_DELETED if not refused(app, f"DELETE FROM {name} WHERE false")]  # noqa: S608
    assert (changed, deleted) == ([], [])


def test_control_the_owner_is_held_by_triggers_alone() -> None:
    row = LedgerAccount.objects.create(city="wuxi", kind="clearing", channel="test")
    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
        LedgerAccount.objects.filter(pk=row.pk).delete()
    with pgtrigger.ignore("contributions.LedgerAccount:ledger_accounts_are_kept"):
        LedgerAccount.objects.filter(pk=row.pk).delete()
    assert not LedgerAccount.objects.filter(pk=row.pk).exists()


# What only the owner does


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE another (id int)",
        "CREATE SCHEMA another",
        "CREATE FUNCTION another() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE contributions_receipt DISABLE TRIGGER ALL",
        "ALTER TABLE contributions_receipt ADD COLUMN another int",
        "DROP TRIGGER {trigger} ON contributions_receipt",
        "DROP TABLE contributions_receipt CASCADE",
        "CREATE TRIGGER another BEFORE INSERT ON contributions_receipt EXECUTE FUNCTION tsvector_update_trigger()",
        "CREATE INDEX another ON contributions_receipt (amount_fen)",
        "GRANT UPDATE ON contributions_receipt TO {app}",
        "SET session_replication_role = replica",
        "SET ROLE {owner}",
        "COPY contributions_receipt TO '/tmp/receipts'",
        "COPY contributions_receipt TO PROGRAM 'cat'",
        "ALTER FUNCTION contributions_hold_receipts(bigint[]) SECURITY INVOKER",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('hall', 'another', now())",
        "SELECT setval('certificates_serial_number', 1)",
    ],
)
def test_it_makes_alters_and_turns_off_nothing(
    app: Callable[[str], None], settings: Any, statement: str
) -> None:
    [trigger] = [one for _model, one in pgtrigger.registered("contributions.Receipt:receipts_are_kept")]
    names = {
        "app": settings.DATABASE_APP_ROLE,
        "owner": settings.DATABASE_OWNER["USER"],
        "trigger": trigger.get_pgid(Receipt),  # type: ignore[arg-type]
    }
    try:
        app(statement.format(**names))
    except InsufficientPrivilege:
        return
    except psycopg2.Error as error:
        # A GRANT of what one has not to give is told so, and gives nothing.
        raise AssertionError(statement) from error
    assert statement.startswith("GRANT")
    assert refused(app, "UPDATE contributions_receipt SET id = id WHERE false")


def test_it_empties_no_table(app: Callable[[str], None]) -> None:
    assert [name for name in rights.tables() if not refused(app, f"TRUNCATE {name} CASCADE")] == []


def test_control_the_owner_empties_and_turns_off(cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contributions_receipt DISABLE TRIGGER USER")
        cursor.execute("TRUNCATE contributions_receipt CASCADE")
        cursor.execute("ALTER TABLE contributions_receipt ENABLE TRIGGER USER")


def test_no_word_of_the_apps_turns_a_trigger_off(till: Till) -> None:
    till.place()
    trigger = "contributions.Charge:charges_only_change_status"
    with as_app():
        with pgtrigger.ignore(trigger), pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
            Charge.objects.update(base=1)
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            Receipt.objects.update(amount_fen=1)
    with pgtrigger.ignore(trigger):
        assert Charge.objects.update(base=1), "control: the owner's does"


def test_a_table_of_ones_own_does_not_stand_in_for_the_history(cast: Cast) -> None:
    wang_fang = cast.wang_fang
    with connection.cursor() as cursor, as_app():
        cursor.execute("CREATE TEMPORARY TABLE people_personevent (LIKE people_personevent)")
        cursor.execute("UPDATE people_person SET phone = '13900000009' WHERE id = %s", [wang_fang.pk])
        cursor.execute("SELECT count(*) FROM pg_temp.people_personevent")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT phone FROM public.people_personevent ORDER BY pgh_id DESC LIMIT 1")
        assert cursor.fetchone() == ("13900000009",)


# What it does all day


@pytest.mark.as_app
def test_a_case_is_filed(clerk: Client, new_staff: dict[str, str]) -> None:
    case = file_case(clerk, ADD_STAFF, new_staff)
    assert CaseEvent.objects.filter(case=case).exists()


@pytest.mark.as_app
def test_months_are_ordered_paid_and_booked(till: Till) -> None:
    order = till.place()
    payment = till.start(order, "wechat")
    till.tell(till.providers["wechat"].pays(payment.number))
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID
    assert Receipt.objects.filter(applied=True).exists()
    audit()


@pytest.mark.as_app
def test_a_debit_is_walked(road: Road) -> None:
    worker(1)
    road.walked()
    assert Entry.objects.exists()
    assert Receipt.objects.filter(debit_line__isnull=False).exists()


# How it comes to its rights


def found() -> list[str]:
    """What is told to whoever deploys, seals apart."""
    told = database_is_ready(None, databases=["default"])
    return [f"{one.id} {one.msg}" for one in told if one.id != "hall.E105"]


def test_who_deploys_is_told_of_a_role_that_may_too_much_or_too_little(settings: Any) -> None:
    needs_app_role()
    [owns] = found()
    assert owns.startswith("hall.E106")
    assert "拥有数据表" in owns
    with as_app():
        assert found() == []
    role = settings.DATABASE_APP_ROLE
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT TRUNCATE, UPDATE ON contributions_receipt TO {role}")
        cursor.execute(f"GRANT UPDATE (amount_fen) ON contributions_leg TO {role}")
        cursor.execute(f"GRANT DELETE ON hall_case TO {role}")
        cursor.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
        cursor.execute(f"REVOKE INSERT ON hall_draft FROM {role}")
    with as_app():
        much, little = found()
    assert much.startswith("hall.E106")
    for told in ("CREATE", "清空表", "contributions_leg、contributions_receipt", "hall_case"):
        assert told in much
    assert little.startswith("hall.E107")
    assert "hall_draft" in little
    rights.after_migrating(None, "default")
    with as_app():
        assert found() == []


def test_a_second_migration_grants_nothing_anew() -> None:
    needs_app_role()
    with CaptureQueriesContext(connection) as asked:
        rights.after_migrating(None, "default")
    said = [one["sql"] for one in asked]
    assert not [one for one in said if one.startswith(("GRANT", "REVOKE", "ALTER FUNCTION"))]
    assert len(said) < 25, "however many tables there are"


def test_a_new_table_may_be_read_and_appended_to_from_its_first_moment(settings: Any) -> None:
    needs_app_role()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE another (id int)")
        cursor.execute(
            "SELECT ARRAY(SELECT privilege_type FROM aclexplode(relacl) WHERE grantee = %s::regrole ORDER BY 1)"
            " FROM pg_class WHERE relname = 'another'",
            [settings.DATABASE_APP_ROLE],
        )
        assert cursor.fetchone() == (["INSERT", "SELECT"],)


def who() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.as_app
def test_migrations_run_as_the_owner_and_the_rest_does_not(settings: Any) -> None:
    needs_app_role()
    settings.DATABASE_OWNER = {**settings.DATABASE_OWNER, "NAME": connection.settings_dict["NAME"]}
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE hall_draft CASCADE")
    with rights.as_owner("default"):
        assert who() == settings.DATABASE_OWNER["USER"]
    call_command("migrate", verbosity=0)
    assert who() == settings.DATABASE_APP_ROLE


def test_with_one_role_everything_is_as_it_was(settings: Any) -> None:
    settings.DATABASE_OWNER, settings.DATABASE_APP_ROLE = {}, ""
    before = who()
    with rights.as_owner("default"):
        assert who() == before
    with CaptureQueriesContext(connection) as asked:
        rights.after_migrating(None, "default")
    assert not [one for one in asked if "GRANT" in one["sql"]]
