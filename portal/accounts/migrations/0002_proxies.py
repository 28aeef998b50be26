import django.contrib.admin.models
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_tables"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="StaffAction",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
            },
            bases=("admin.logentry",),
            managers=[
                ("objects", django.contrib.admin.models.LogEntryManager()),
            ],
        ),
        migrations.CreateModel(
            name="WhoChanged",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
            },
            bases=("pghistory.context",),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="staffaction",
            trigger=pgtrigger.compiler.Trigger(
                name="staff_actions_are_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="8dabbfbb30743bb2f9d4103ac9118d709ba4e745",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_staff_actions_are_kept_0ded1",
                    table="django_admin_log",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="whochanged",
            trigger=pgtrigger.compiler.Trigger(
                name="who_changed_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="c2957c3775d3ec67d86f992f2fa80d7258ba2338",
                    operation="DELETE",
                    pgid="pgtrigger_who_changed_is_kept_d99ed",
                    table="pghistory_context",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="namedperson",
            trigger=pgtrigger.compiler.Trigger(
                name="personal_login_follows_the_name",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.name IS DISTINCT FROM NEW.name)",
                    func="UPDATE accounts_user SET name = NEW.name WHERE person_id = NEW.id AND kind = 'person'; RETURN NULL;",
                    hash="3cf5e4d37a9ac10c4bb44575812927af290d5844",
                    operation='UPDATE OF "name"',
                    pgid="pgtrigger_personal_login_follows_the_name_ea27b",
                    table="people_person",
                    when="AFTER",
                ),
            ),
        ),
    ]
