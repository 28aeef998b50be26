import django.contrib.postgres.constraints
import django.contrib.postgres.operations
import django.db.models.deletion
import enrollment.models
import pgtrigger.compiler
import portal.columns
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("enrollment", "0001_initial"),
        ("enrollment", "0002_rosters"),
        ("enrollment", "0003_employers_insure_where_registered"),
        ("enrollment", "0004_history_is_kept"),
    ]

    initial = True

    dependencies = [
        ("hall", "0001_tables"),
        ("people", "0001_tables"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        django.contrib.postgres.operations.BtreeGistExtension(),
        migrations.CreateModel(
            name="Coverage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="coverages", to="people.person", verbose_name="参保人")),
                (
                    "insurance",
                    models.CharField(
                        choices=[
                            ("pension", "养老保险"),
                            ("medical", "医疗保险"),
                            ("unemployment", "失业保险"),
                            ("work_injury", "工伤保险"),
                            ("maternity", "生育保险"),
                        ],
                        max_length=20,
                        verbose_name="险种",
                    ),
                ),
                (
                    "capacity",
                    models.CharField(
                        choices=[
                            ("employee", "单位职工"),
                            ("flexible", "灵活就业人员"),
                            ("resident", "城乡居民"),
                            ("child", "少儿"),
                            ("student", "学生"),
                            ("retiree", "退休人员"),
                        ],
                        max_length=12,
                        verbose_name="参保身份",
                    ),
                ),
                ("city", models.CharField(max_length=30, verbose_name="参保地")),
                ("district", models.CharField(blank=True, max_length=6, verbose_name="参保区县")),
                (
                    "employer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coverages",
                        to="people.employer",
                        verbose_name="参保单位",
                    ),
                ),
                ("start", portal.columns.MonthField(verbose_name="起始月份")),
                ("until", portal.columns.MonthField(blank=True, null=True, verbose_name="终止月份（不含）")),
                ("live", models.BooleanField(default=True, verbose_name="有效")),
                (
                    "opened_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="opened_coverages",
                        to="hall.case",
                        verbose_name="参保办件",
                    ),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closed_coverages",
                        to="hall.case",
                        verbose_name="停保办件",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="登记时间")),
            ],
            options={
                "verbose_name": "参保关系",
                "verbose_name_plural": "参保关系",
                "indexes": [
                    models.Index(condition=models.Q(("live", True)), fields=["city", "capacity", "insurance"], name="coverage_to_charge"),
                    models.Index(condition=models.Q(("live", True)), fields=["employer", "person"], name="coverage_by_employer"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("insurance__in", ["pension", "medical", "unemployment", "work_injury", "maternity"])),
                        name="coverage_insurance_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("capacity__in", ["employee", "flexible", "resident", "child", "student", "retiree"])),
                        name="coverage_capacity_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("start__isnull", True), ("start__day", 1), _connector="OR"), name="coverage_start_is_month"),
                    models.CheckConstraint(condition=models.Q(("until__isnull", True), ("until__day", 1), _connector="OR"), name="coverage_until_is_month"),
                    models.CheckConstraint(
                        condition=models.Q(("until__isnull", True), ("until__gt", models.F("start")), _connector="OR"), name="coverage_months_in_order"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("capacity", "employee"), ("employer__isnull", False)),
                            models.Q(models.Q(("capacity", "employee"), _negated=True), ("employer__isnull", True)),
                            _connector="OR",
                        ),
                        name="coverage_employer_only_for_employees",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("live", True)),
                        expressions=[(models.F("person"), "="), (models.F("insurance"), "="), (enrollment.models.Months(), "&&")],
                        name="no_two_live_coverages_share_a_month",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="an_employer_insures_where_it_is_registered",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.employer_id IS NOT NULL)",
                            func="""
                    IF EXISTS (SELECT 1 FROM people_employer WHERE id = NEW.employer_id AND city <> NEW.city) THEN
                        RAISE EXCEPTION 'the employer % is not registered in %', NEW.employer_id, NEW.city
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'an_employer_insures_where_it_is_registered';
                    END IF;
                    RETURN NEW;
                """,
                            hash="bd770a531bee738d626489d267423b31574b6589",
                            operation='INSERT OR UPDATE OF "city", "employer_id"',
                            pgid="pgtrigger_an_employer_insures_where_it_is_registered_9ab55",
                            table="enrollment_coverage",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func=(
                                'INSERT INTO "enrollment_coverageevent" ("capacity", "city", "closed_by_id", "created_at", '
                                '"district", "employer_id", "id", "insurance", "live", "opened_by_id", "person_id", '
                                '"pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "start", "until") VALUES '
                                '(NEW."capacity", NEW."city", NEW."closed_by_id", NEW."created_at", NEW."district", '
                                'NEW."employer_id", NEW."id", NEW."insurance", NEW."live", NEW."opened_by_id", '
                                'NEW."person_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."start", '
                                'NEW."until"); RETURN NULL;'
                            ),
                            hash="f411921cc6d416e8609bcef461cacf0f73b5a7ce",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_9aa53",
                            table="enrollment_coverage",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func=(
                                'INSERT INTO "enrollment_coverageevent" ("capacity", "city", "closed_by_id", "created_at", '
                                '"district", "employer_id", "id", "insurance", "live", "opened_by_id", "person_id", '
                                '"pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "start", "until") VALUES '
                                '(NEW."capacity", NEW."city", NEW."closed_by_id", NEW."created_at", NEW."district", '
                                'NEW."employer_id", NEW."id", NEW."insurance", NEW."live", NEW."opened_by_id", '
                                'NEW."person_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."start", '
                                'NEW."until"); RETURN NULL;'
                            ),
                            hash="0cc9d1269c7e842eb7db265ea5eae3568d072420",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_f2779",
                            table="enrollment_coverage",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Roster",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "employer",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="rosters", to="people.employer", verbose_name="参保单位"),
                ),
                ("city", models.CharField(max_length=30, verbose_name="参保地")),
                ("start", portal.columns.MonthField(verbose_name="起用月份")),
                (
                    "draft",
                    models.OneToOneField(
                        blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="roster", to="hall.draft", verbose_name="草稿"
                    ),
                ),
                (
                    "case",
                    models.OneToOneField(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="roster", to="hall.case", verbose_name="办件"
                    ),
                ),
                ("made_at", models.DateTimeField(verbose_name="建立时间")),
                ("report", models.JSONField(blank=True, default=list, verbose_name="上次上传的问题")),
                ("report_name", models.CharField(blank=True, max_length=200, verbose_name="上次上传的文件")),
                ("report_taken", models.PositiveIntegerField(blank=True, null=True, verbose_name="上次上传读取的人数")),
            ],
            options={
                "verbose_name": "职工基数名册",
                "verbose_name_plural": "职工基数名册",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("start__isnull", True), ("start__day", 1), _connector="OR"), name="roster_start_is_month"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("case__isnull", False), ("draft__isnull", True)),
                            models.Q(("case__isnull", True), ("draft__isnull", False)),
                            _connector="OR",
                        ),
                        name="roster_has_one_home",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="sent_rosters_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.case_id IS NOT NULL)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="af298e71d3b66c58dd9ff4e4e7678de9f6d233d2",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_sent_rosters_are_kept_ecac0",
                            table="enrollment_roster",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CoverageEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "pgh_obj",
                    models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="events", to="enrollment.coverage"),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="pghistory.context"),
                ),
                ("id", models.BigIntegerField()),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="people.person",
                        verbose_name="参保人",
                    ),
                ),
                (
                    "insurance",
                    models.CharField(
                        choices=[
                            ("pension", "养老保险"),
                            ("medical", "医疗保险"),
                            ("unemployment", "失业保险"),
                            ("work_injury", "工伤保险"),
                            ("maternity", "生育保险"),
                        ],
                        max_length=20,
                        verbose_name="险种",
                    ),
                ),
                (
                    "capacity",
                    models.CharField(
                        choices=[
                            ("employee", "单位职工"),
                            ("flexible", "灵活就业人员"),
                            ("resident", "城乡居民"),
                            ("child", "少儿"),
                            ("student", "学生"),
                            ("retiree", "退休人员"),
                        ],
                        max_length=12,
                        verbose_name="参保身份",
                    ),
                ),
                ("city", models.CharField(max_length=30, verbose_name="参保地")),
                ("district", models.CharField(blank=True, max_length=6, verbose_name="参保区县")),
                (
                    "employer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="people.employer",
                        verbose_name="参保单位",
                    ),
                ),
                ("start", portal.columns.MonthField(verbose_name="起始月份")),
                ("until", portal.columns.MonthField(blank=True, null=True, verbose_name="终止月份（不含）")),
                ("live", models.BooleanField(default=True, verbose_name="有效")),
                (
                    "opened_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="hall.case",
                        verbose_name="参保办件",
                    ),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="hall.case",
                        verbose_name="停保办件",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="登记时间")),
            ],
            options={
                "abstract": False,
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="cb917b8bc0f3914952e716ea8384fa85c8dc657b",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_2200f",
                            table="enrollment_coverageevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ContributionBase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "coverage",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="bases", to="enrollment.coverage", verbose_name="参保关系"),
                ),
                ("start", portal.columns.MonthField(verbose_name="起用月份")),
                ("until", portal.columns.MonthField(blank=True, null=True, verbose_name="停用月份（不含）")),
                ("tier", models.CharField(blank=True, max_length=20, verbose_name="缴费档次")),
                ("wage_fen", models.BigIntegerField(blank=True, null=True, verbose_name="申报工资（分）")),
                (
                    "set_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="bases_set", to="hall.case", verbose_name="办件"
                    ),
                ),
            ],
            options={
                "verbose_name": "缴费基数",
                "verbose_name_plural": "缴费基数",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("start__isnull", True), ("start__day", 1), _connector="OR"), name="base_start_is_month"),
                    models.CheckConstraint(condition=models.Q(("until__isnull", True), ("until__day", 1), _connector="OR"), name="base_until_is_month"),
                    models.CheckConstraint(
                        condition=models.Q(("until__isnull", True), ("until__gt", models.F("start")), _connector="OR"), name="base_months_in_order"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(models.Q(("tier", ""), _negated=True), ("wage_fen__isnull", True)),
                            models.Q(("tier", ""), ("wage_fen__gte", 0)),
                            _connector="OR",
                        ),
                        name="base_is_a_tier_or_a_wage",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[(models.F("coverage"), "="), (enrollment.models.Months(), "&&")], name="one_base_per_coverage_and_month"
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func=(
                                'INSERT INTO "enrollment_contributionbaseevent" ("coverage_id", "id", "pgh_context_id", '
                                '"pgh_created_at", "pgh_label", "pgh_obj_id", "set_by_id", "start", "tier", "until", '
                                '"wage_fen") VALUES (NEW."coverage_id", NEW."id", _pgh_attach_context(), NOW(), \'insert\', '
                                'NEW."id", NEW."set_by_id", NEW."start", NEW."tier", NEW."until", NEW."wage_fen"); RETURN '
                                "NULL;"
                            ),
                            hash="dc0fa466518bad09c5c5bf070e0064ac7f275253",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_925a6",
                            table="enrollment_contributionbase",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func=(
                                'INSERT INTO "enrollment_contributionbaseevent" ("coverage_id", "id", "pgh_context_id", '
                                '"pgh_created_at", "pgh_label", "pgh_obj_id", "set_by_id", "start", "tier", "until", '
                                '"wage_fen") VALUES (NEW."coverage_id", NEW."id", _pgh_attach_context(), NOW(), \'update\', '
                                'NEW."id", NEW."set_by_id", NEW."start", NEW."tier", NEW."until", NEW."wage_fen"); RETURN '
                                "NULL;"
                            ),
                            hash="be2d789cc8a59289984f671e3cda5361755f5392",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_a7058",
                            table="enrollment_contributionbase",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RosterRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("roster", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="enrollment.roster", verbose_name="名册")),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="roster_rows", to="people.person", verbose_name="职工"
                    ),
                ),
                ("wage_fen", models.BigIntegerField(blank=True, null=True, verbose_name="月申报工资（分）")),
                ("former_fen", models.BigIntegerField(blank=True, null=True, verbose_name="现行申报工资（分）")),
            ],
            options={
                "verbose_name": "名册明细",
                "verbose_name_plural": "名册明细",
                "constraints": [
                    models.UniqueConstraint(fields=("roster", "person"), name="a_person_once_in_a_roster"),
                    models.CheckConstraint(condition=models.Q(("wage_fen__isnull", True), ("wage_fen__gt", 0), _connector="OR"), name="roster_wage_positive"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="rows_of_sent_rosters_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="""
                    IF EXISTS (
                        SELECT 1 FROM enrollment_roster
                        WHERE id = (CASE TG_OP WHEN 'DELETE' THEN OLD.roster_id ELSE NEW.roster_id END)
                          AND case_id IS NOT NULL
                    ) THEN
                        RAISE EXCEPTION 'the roster was sent and is kept' USING ERRCODE = 'check_violation';
                    END IF;
                    IF TG_OP = 'DELETE' THEN
                        RETURN OLD;
                    END IF;
                    RETURN NEW;
                """,
                            hash="c55053d3e3a916ce4744a3a558538168ed90a804",
                            operation="INSERT OR UPDATE OR DELETE",
                            pgid="pgtrigger_rows_of_sent_rosters_are_kept_70ae3",
                            table="enrollment_rosterrow",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ContributionBaseEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="events", to="enrollment.contributionbase"
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="pghistory.context"),
                ),
                ("id", models.BigIntegerField()),
                (
                    "coverage",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="enrollment.coverage",
                        verbose_name="参保关系",
                    ),
                ),
                ("start", portal.columns.MonthField(verbose_name="起用月份")),
                ("until", portal.columns.MonthField(blank=True, null=True, verbose_name="停用月份（不含）")),
                ("tier", models.CharField(blank=True, max_length=20, verbose_name="缴费档次")),
                ("wage_fen", models.BigIntegerField(blank=True, null=True, verbose_name="申报工资（分）")),
                (
                    "set_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="hall.case",
                        verbose_name="办件",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="2ec969ee0e7785f430dcf62d9ff35543a804e787",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_53128",
                            table="enrollment_contributionbaseevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
    ]
