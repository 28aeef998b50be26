import contributions.models.arrears
import contributions.models.arrivals
import contributions.models.assessments
import contributions.models.charges
import contributions.models.debit
import contributions.models.orders
import contributions.models.partners
import contributions.models.refunds
import contributions.models.settlements
import contributions.models.surcharges
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
import enrollment.models
import pgtrigger.compiler
import portal.columns
import portal.shared.insurance
from django.conf import settings
from django.db import migrations, models

# What models cannot say. Half of each page stays free: a month's rows change their status once, all together, and then fit
# beside their old versions, so that no index is touched (a heap-only update). One foreign key over (coverage, person, insurance)
# in place of one to the coverage and one to the person also holds that a charge's person and insurance are its coverage's own, and
# a million charges are checked once each, not twice. The functions run as the tables' owner and take only numbers; whoever works
# as the app's role is granted them (portal/rights.py).
BESIDE = """
ALTER TABLE contributions_charge SET (fillfactor = 50);
ALTER TABLE contributions_debitline SET (fillfactor = 50);

ALTER TABLE enrollment_coverage ADD CONSTRAINT coverage_with_its_person UNIQUE (id, person_id, insurance);
ALTER TABLE contributions_charge ADD CONSTRAINT charge_is_of_its_coverage
    FOREIGN KEY (coverage_id, person_id, insurance) REFERENCES enrollment_coverage (id, person_id, insurance)
    DEFERRABLE INITIALLY DEFERRED;

CREATE FUNCTION contributions_hold_receipts(ids bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM contributions_receipt WHERE id = ANY(ids) ORDER BY id FOR NO KEY UPDATE;
END
$$;
CREATE FUNCTION contributions_held_entries(ids bigint[]) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT id FROM contributions_entry WHERE id = ANY(ids) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED;
END
$$;
REVOKE ALL ON FUNCTION contributions_hold_receipts(bigint[]), contributions_held_entries(bigint[]) FROM PUBLIC;
"""
GONE = """
DROP FUNCTION contributions_hold_receipts(bigint[]), contributions_held_entries(bigint[]);
ALTER TABLE contributions_charge DROP CONSTRAINT charge_is_of_its_coverage;
ALTER TABLE enrollment_coverage DROP CONSTRAINT coverage_with_its_person;
"""


class Migration(migrations.Migration):
    replaces = [
        ("contributions", "0001_initial"),
        ("contributions", "0002_room_for_status"),
        ("contributions", "0003_charges_are_of_their_coverage"),
        ("contributions", "0003_orders"),
        ("contributions", "0004_arrears_and_surcharges"),
        ("contributions", "0004_lighter_charges"),
        ("contributions", "0005_order_sums"),
        ("contributions", "0006_release_by_a_second_person"),
        ("contributions", "0007_employers_month"),
        ("contributions", "0008_refunds"),
        ("contributions", "0009_suspensions"),
        ("contributions", "0010_account_movements"),
        ("contributions", "0011_brought_in"),
        ("contributions", "0012_top_ups_and_settlements"),
        ("contributions", "0013_partners"),
        ("contributions", "0014_account_interest"),
        ("contributions", "0015_closing"),
        ("contributions", "0016_undo_partners_payments_late"),
        ("contributions", "0017_employers_debit"),
        ("contributions", "0018_audits"),
        ("contributions", "0019_refunds_of_a_payment"),
        ("contributions", "0020_unpaid_cases"),
        ("contributions", "0021_interest_to_the_fen"),
        ("contributions", "0022_two_hands"),
        ("contributions", "0023_forged_notices"),
        ("contributions", "0024_held_by_the_owner"),
        ("contributions", "0025_chain_lock_by_name"),
    ]

    initial = True

    dependencies = [
        ("accounts", "__first__"),
        ("enrollment", "0001_tables"),
        ("hall", "0001_tables"),
        ("partners", "0001_tables"),
        ("people", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="Charge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="参保地")),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="charges",
                        to="people.person",
                        verbose_name="参保人",
                    ),
                ),
                (
                    "coverage",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="charges",
                        to="enrollment.coverage",
                        verbose_name="参保关系",
                    ),
                ),
                (
                    "employer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="charges",
                        to="people.employer",
                        verbose_name="单位",
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
                ("month", portal.columns.MonthField(verbose_name="所属月份")),
                ("base", models.DecimalField(decimal_places=6, max_digits=16, verbose_name="缴费基数（元）")),
                ("amount_fen", models.BigIntegerField(verbose_name="应缴金额（分）")),
                ("personal_fen", models.BigIntegerField(verbose_name="个人缴纳（分）")),
                ("employer_fen", models.BigIntegerField(verbose_name="单位缴纳（分）")),
                ("account_fen", models.BigIntegerField(verbose_name="划入个人账户（分）")),
                ("policy", models.CharField(max_length=60, verbose_name="计费依据")),
                ("policy_since", models.DateField(verbose_name="依据起用日期")),
                ("basis", models.CharField(max_length=20, verbose_name="缴费档次或申报工资")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("owed", "待缴"),
                            ("paid", "已缴"),
                            ("written_off", "已注销"),
                            ("void", "已作废"),
                            ("taken_back", "重复缴费已清退"),
                            ("reversed", "已冲正"),
                        ],
                        default=contributions.models.charges.ChargeStatus["OWED"],
                        max_length=12,
                        verbose_name="状态",
                    ),
                ),
                ("live", models.BooleanField(default=True)),
                ("due_on", models.DateField(verbose_name="缴费期限")),
                ("created_at", models.DateTimeField(verbose_name="核定时间")),
            ],
            options={
                "verbose_name": "应缴",
                "verbose_name_plural": "应缴",
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=["month"], name="charge_by_month"),
                    models.Index(condition=models.Q(("employer__isnull", False)), fields=["employer", "month"], name="charge_by_employer"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("insurance__in", ["pension", "medical", "unemployment", "work_injury", "maternity"])), name="charge_insurance_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("capacity__in", ["employee", "flexible", "resident", "child", "student", "retiree"])), name="charge_capacity_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["owed", "paid", "written_off", "void", "taken_back", "reversed"])), name="charge_status_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("month__isnull", True), ("month__day", 1), _connector="OR"), name="charge_month_is_month"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("live", True), ("status__in", ["owed", "paid", "written_off", "taken_back"])),
                            models.Q(("live", False), ("status__in", ["void", "written_off", "reversed"])),
                            _connector="OR",
                        ),
                        name="charge_live_unless_void",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_fen", django.db.models.expressions.CombinedExpression(models.F("personal_fen"), "+", models.F("employer_fen")))
                        ),
                        name="charge_shares_make_the_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0), ("base__gt", 0), ("employer_fen__gte", 0), ("personal_fen__gte", 0)),
                        name="charge_is_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("account_fen__gte", 0), ("account_fen__lte", models.F("amount_fen"))), name="charge_account_part_of_amount"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("policy", ""), _negated=True), models.Q(("basis", ""), _negated=True)), name="charge_names_its_policy"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("capacity", "employee"), ("employer__isnull", False)),
                            models.Q(models.Q(("capacity", "employee"), _negated=True), ("employer__isnull", True)),
                            _connector="OR",
                        ),
                        name="charge_employer_only_for_employees",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("live", True)), fields=("person", "insurance", "month"), name="one_live_charge_per_insurance_and_month"
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="charges_only_change_status",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.city IS DISTINCT FROM NEW.city "
                                "OR OLD.person_id IS DISTINCT FROM NEW.person_id "
                                "OR OLD.coverage_id IS DISTINCT FROM NEW.coverage_id "
                                "OR OLD.employer_id IS DISTINCT FROM NEW.employer_id "
                                "OR OLD.insurance IS DISTINCT FROM NEW.insurance "
                                "OR OLD.capacity IS DISTINCT FROM NEW.capacity OR OLD.month IS DISTINCT FROM NEW.month "
                                "OR OLD.base IS DISTINCT FROM NEW.base OR OLD.amount_fen IS DISTINCT FROM NEW.amount_fen "
                                "OR OLD.personal_fen IS DISTINCT FROM NEW.personal_fen "
                                "OR OLD.employer_fen IS DISTINCT FROM NEW.employer_fen "
                                "OR OLD.account_fen IS DISTINCT FROM NEW.account_fen "
                                "OR OLD.policy IS DISTINCT FROM NEW.policy "
                                "OR OLD.policy_since IS DISTINCT FROM NEW.policy_since "
                                "OR OLD.basis IS DISTINCT FROM NEW.basis OR OLD.due_on IS DISTINCT FROM NEW.due_on "
                                "OR OLD.created_at IS DISTINCT FROM NEW.created_at "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('owed', 'paid'), ('owed', 'written_off'), ('owed', 'void'), ('paid', 'taken_back'), ('paid', 'reversed'))) "
                                "OR (NOT NEW.live AND NEW.status = 'written_off' AND NEW.insurance <> 'pension'))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="d8425177c20c6643e984b457c54581d25aa59fb7",
                            operation="UPDATE",
                            pgid="pgtrigger_charges_only_change_status_3f9b4",
                            table="contributions_charge",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="charges_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="28262354fde93d972b64a47b6a2f9d9381e6077e",
                            operation="DELETE",
                            pgid="pgtrigger_charges_are_kept_53b0c",
                            table="contributions_charge",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChargingRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
                ("month", portal.columns.MonthField(verbose_name="月份")),
                ("capacities", models.JSONField(verbose_name="参保身份")),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="操作人")),
                ("created", models.PositiveIntegerField(verbose_name="新增应缴笔数")),
                ("left_out", models.JSONField(default=list, verbose_name="未能核定")),
            ],
            options={
                "verbose_name": "核定记录",
                "verbose_name_plural": "核定记录",
                "indexes": [models.Index(fields=["city", "-month"], name="charging_run_by_city")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("month__isnull", True), ("month__day", 1), _connector="OR"), name="charging_run_month_is_month")
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="charging_runs_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="ec7c3b61239e6ced5cf9eb32825b9612c494ca9b",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_charging_runs_are_kept_a8223",
                            table="contributions_chargingrun",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Assessment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="参保地")),
                (
                    "employer",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="assessments", to="people.employer", verbose_name="单位"
                    ),
                ),
                ("month", portal.columns.MonthField(verbose_name="所属月份")),
                ("round", models.PositiveSmallIntegerField(default=0, verbose_name="批次")),
                ("after", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("people", models.PositiveIntegerField(verbose_name="人数")),
                ("charges", models.PositiveIntegerField(verbose_name="笔数")),
                ("sum_fen", models.BigIntegerField(verbose_name="应缴合计（分）")),
                ("personal_fen", models.BigIntegerField(verbose_name="个人缴纳（分）")),
                ("employer_fen", models.BigIntegerField(verbose_name="单位缴纳（分）")),
                ("digest", models.CharField(max_length=64, verbose_name="内容摘要")),
                ("due_on", models.DateField(verbose_name="缴费期限")),
                (
                    "status",
                    models.CharField(
                        choices=[("drawn_up", "待单位确认"), ("confirmed", "已确认，待缴款"), ("paid", "已缴清"), ("replaced", "已更正")],
                        default=contributions.models.assessments.AssessmentStatus["DRAWN_UP"],
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("drawn_at", models.DateTimeField(verbose_name="核定时间")),
            ],
            options={
                "verbose_name": "单位核定单",
                "verbose_name_plural": "单位核定单",
                "indexes": [models.Index(fields=["city", "month", "status"], name="assessment_by_city_and_month")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("status__in", ["drawn_up", "confirmed", "paid", "replaced"])), name="assessment_status_known"),
                    models.CheckConstraint(condition=models.Q(("month__isnull", True), ("month__day", 1), _connector="OR"), name="assessment_month_is_month"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("charges__gte", models.F("people")),
                            ("last__gt", models.F("after")),
                            ("people__gt", 0),
                            ("sum_fen", django.db.models.expressions.CombinedExpression(models.F("personal_fen"), "+", models.F("employer_fen"))),
                            ("sum_fen__gt", 0),
                        ),
                        name="assessment_is_not_empty",
                    ),
                    models.UniqueConstraint(fields=("employer", "month", "round"), name="one_assessment_per_employer_month_and_round"),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("status", "replaced"), _negated=True),
                        expressions=[(models.F("employer"), "="), (models.F("month"), "="), (contributions.models.assessments.ChargeIds(), "&&")],
                        name="a_charge_stands_in_one_assessment",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="assessments_stay_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.city IS DISTINCT FROM NEW.city "
                                "OR OLD.employer_id IS DISTINCT FROM NEW.employer_id "
                                "OR OLD.month IS DISTINCT FROM NEW.month OR OLD.round IS DISTINCT FROM NEW.round "
                                "OR OLD.after IS DISTINCT FROM NEW.after OR OLD.last IS DISTINCT FROM NEW.last "
                                "OR OLD.people IS DISTINCT FROM NEW.people OR OLD.charges IS DISTINCT FROM NEW.charges "
                                "OR OLD.sum_fen IS DISTINCT FROM NEW.sum_fen "
                                "OR OLD.personal_fen IS DISTINCT FROM NEW.personal_fen "
                                "OR OLD.employer_fen IS DISTINCT FROM NEW.employer_fen "
                                "OR OLD.digest IS DISTINCT FROM NEW.digest OR OLD.due_on IS DISTINCT FROM NEW.due_on "
                                "OR OLD.drawn_at IS DISTINCT FROM NEW.drawn_at "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('drawn_up', 'confirmed'), ('drawn_up', 'paid'), ('drawn_up', 'replaced'), ('confirmed', 'paid'), ('confirmed', 'replaced'), ('paid', 'replaced'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="7122f0df9a067a5f1b82c27d8b00aef7bd242b39",
                            operation="UPDATE",
                            pgid="pgtrigger_assessments_stay_frozen_55e66",
                            table="contributions_assessment",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="assessments_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="cbd78856b063355e0d9827a57a01906339d511a2",
                            operation="DELETE",
                            pgid="pgtrigger_assessments_are_kept_1b316",
                            table="contributions_assessment",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ArrearsBill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="参保地")),
                (
                    "employer",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="arrears_bills", to="people.employer", verbose_name="单位"),
                ),
                ("case", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="arrears_bill", to="hall.case", verbose_name="办件")),
                ("pay_on", models.DateField(verbose_name="缴款日期")),
                ("charges", models.PositiveIntegerField(verbose_name="笔数")),
                ("principal_fen", models.BigIntegerField(verbose_name="应缴合计（分）")),
                ("surcharge_fen", models.BigIntegerField(verbose_name="滞纳金合计（分）")),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "待缴款"), ("paid", "已缴清"), ("lapsed", "已失效")],
                        default=contributions.models.assessments.BillStatus["OPEN"],
                        max_length=6,
                        verbose_name="状态",
                    ),
                ),
                ("drawn_at", models.DateTimeField(verbose_name="核定时间")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="完结时间")),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="完结操作人"
                    ),
                ),
            ],
            options={
                "verbose_name": "单位补缴单",
                "verbose_name_plural": "单位补缴单",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("status__in", ["open", "paid", "lapsed"])), name="arrears_bill_status_known"),
                    models.CheckConstraint(
                        condition=models.Q(("charges__gt", 0), ("principal_fen__gt", 0), ("surcharge_fen__gte", 0)), name="arrears_bill_is_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("ended_by__isnull", True), ("status", "open")),
                            models.Q(models.Q(("status", "open"), _negated=True), ("ended_at__isnull", False), ("ended_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="arrears_bill_ended_unless_open",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="arrears_bills_stay_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.city IS DISTINCT FROM NEW.city "
                                "OR OLD.employer_id IS DISTINCT FROM NEW.employer_id "
                                "OR OLD.case_id IS DISTINCT FROM NEW.case_id OR OLD.pay_on IS DISTINCT FROM NEW.pay_on "
                                "OR OLD.charges IS DISTINCT FROM NEW.charges "
                                "OR OLD.principal_fen IS DISTINCT FROM NEW.principal_fen "
                                "OR OLD.surcharge_fen IS DISTINCT FROM NEW.surcharge_fen "
                                "OR OLD.drawn_at IS DISTINCT FROM NEW.drawn_at OR OLD.status = 'lapsed' "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('open', 'paid'), ('open', 'lapsed'), ('paid', 'lapsed'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="bb710dcae736d544a7e4417521b38ddd39cf5a1c",
                            operation="UPDATE",
                            pgid="pgtrigger_arrears_bills_stay_frozen_cdd27",
                            table="contributions_arrearsbill",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="arrears_bills_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="66f0fd82754add88268ee8db7964dcdf59b0ae11",
                            operation="DELETE",
                            pgid="pgtrigger_arrears_bills_are_kept_5825d",
                            table="contributions_arrearsbill",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DebitBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=30, unique=True, verbose_name="批次号")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
                ("month", portal.columns.MonthField(verbose_name="托收月份")),
                ("bank", models.CharField(max_length=20, verbose_name="银行")),
                (
                    "payer",
                    models.CharField(
                        choices=[("people", "灵活就业人员"), ("employers", "用人单位")],
                        default=contributions.models.debit.Payer["PEOPLE"],
                        max_length=10,
                        verbose_name="托收对象",
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(default=1, verbose_name="轮次")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("opened", "待核对放行"),
                            ("released", "待送银行"),
                            ("sent", "已送银行"),
                            ("held", "结果有疑，已暂缓"),
                            ("answered", "已收结果，记账中"),
                            ("posted", "已记账，待关闭"),
                            ("closed", "已关闭"),
                        ],
                        default=contributions.models.debit.BatchStatus["OPENED"],
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("line_count", models.PositiveIntegerField(verbose_name="笔数")),
                ("total_fen", models.BigIntegerField(verbose_name="金额（分）")),
                ("file_name", models.CharField(blank=True, max_length=120, verbose_name="文件名")),
                ("file_digest", models.CharField(blank=True, max_length=64, verbose_name="文件摘要")),
                ("opened_at", models.DateTimeField(verbose_name="开批时间")),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="opened_batches", to=settings.AUTH_USER_MODEL, verbose_name="开批人"
                    ),
                ),
                ("second_person", models.BooleanField(default=False, verbose_name="须第二人放行")),
                ("released_at", models.DateTimeField(blank=True, null=True, verbose_name="放行时间")),
                (
                    "released_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="released_batches",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="放行人",
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="关闭时间")),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closed_batches",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="关闭人",
                    ),
                ),
            ],
            options={
                "verbose_name": "托收批次",
                "verbose_name_plural": "托收批次",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["opened", "released", "sent", "held", "answered", "posted", "closed"])), name="batch_status_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("payer__in", ["people", "employers"])), name="batch_payer_known"),
                    models.CheckConstraint(condition=models.Q(("month__isnull", True), ("month__day", 1), _connector="OR"), name="batch_month_is_month"),
                    models.CheckConstraint(condition=models.Q(("line_count__gt", 0), ("total_fen__gt", 0)), name="batch_is_not_empty"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["opened", "released"]),
                            models.Q(models.Q(("file_name", ""), _negated=True), models.Q(("file_digest", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="batch_sent_with_its_file",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(models.Q(("status", "closed"), _negated=True), ("closed_at__isnull", True), ("closed_by__isnull", True)),
                            models.Q(("closed_at__isnull", False), ("closed_by__isnull", False), ("status", "closed")),
                            _connector="OR",
                        ),
                        name="batch_closed_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("released_at__isnull", True), ("released_by__isnull", True), ("status", "opened")),
                            models.Q(models.Q(("status", "opened"), _negated=True), ("released_at__isnull", False), ("released_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="batch_released_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("second_person", False),
                            ("released_by__isnull", True),
                            models.Q(("released_by", models.F("opened_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="batch_released_by_a_second_person",
                    ),
                    models.UniqueConstraint(fields=("city", "month", "bank", "payer", "round"), name="one_batch_per_month_bank_and_round"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="batches_stay_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.number IS DISTINCT FROM NEW.number "
                                "OR OLD.city IS DISTINCT FROM NEW.city OR OLD.month IS DISTINCT FROM NEW.month "
                                "OR OLD.bank IS DISTINCT FROM NEW.bank OR OLD.payer IS DISTINCT FROM NEW.payer "
                                "OR OLD.round IS DISTINCT FROM NEW.round OR OLD.line_count IS DISTINCT FROM NEW.line_count "
                                "OR OLD.total_fen IS DISTINCT FROM NEW.total_fen "
                                "OR OLD.opened_at IS DISTINCT FROM NEW.opened_at "
                                "OR OLD.opened_by_id IS DISTINCT FROM NEW.opened_by_id "
                                "OR OLD.second_person IS DISTINCT FROM NEW.second_person "
                                "OR (OLD.status <> 'opened' AND (OLD.released_at IS DISTINCT FROM NEW.released_at "
                                "OR OLD.released_by_id IS DISTINCT FROM NEW.released_by_id)) "
                                "OR (OLD.status NOT IN ('opened', 'released') AND (OLD.file_name IS DISTINCT FROM NEW.file_name "
                                "OR OLD.file_digest IS DISTINCT FROM NEW.file_digest)) "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('opened', 'released'), ('released', 'sent'), ('sent', 'held'), ('sent', 'answered'), ('held', 'answered'), ('answered', 'posted'), ('posted', 'closed'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="0a126763a644a517120f83d538b98fdb79c7697d",
                            operation="UPDATE",
                            pgid="pgtrigger_batches_stay_frozen_4ae41",
                            table="contributions_debitbatch",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="batches_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="2a4c8a956dc2fc11eb37afe43e8ae6cf0a0f79f4",
                            operation="DELETE",
                            pgid="pgtrigger_batches_are_kept_a5f74",
                            table="contributions_debitbatch",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("clearing", "收款清算"),
                            ("pooled", "统筹基金收入"),
                            ("personal", "个人账户收入"),
                            ("surcharge", "利息和滞纳金收入"),
                            ("suspense", "暂收款（待核实退回）"),
                            ("interest", "个人账户记账利息支出"),
                            ("transfer", "转移资金清算"),
                        ],
                        max_length=10,
                        verbose_name="科目",
                    ),
                ),
                (
                    "insurance",
                    models.CharField(
                        blank=True,
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
                ("channel", models.CharField(blank=True, max_length=30, verbose_name="收款渠道")),
            ],
            options={
                "verbose_name": "会计科目",
                "verbose_name_plural": "会计科目",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["clearing", "pooled", "personal", "surcharge", "suspense", "interest", "transfer"])),
                        name="ledger_account_kind_known",
                    ),
                    models.UniqueConstraint(fields=("city", "kind", "insurance", "channel"), name="one_account_of_a_kind"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="ledger_accounts_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="eeaa32d42c2c14e5b2f48f3004f6da93652a55dd",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_ledger_accounts_are_kept_1b8e2",
                            table="contributions_ledgeraccount",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
                ("number", models.BigIntegerField(verbose_name="序号")),
                ("kind", models.CharField(max_length=30, verbose_name="类别")),
                ("reference", models.CharField(max_length=100, verbose_name="凭据")),
                ("at", models.DateTimeField(verbose_name="记账时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="记账人")),
                ("previous_digest", models.CharField(blank=True, max_length=64, verbose_name="上一分录摘要")),
                ("digest", models.CharField(max_length=64, verbose_name="摘要")),
            ],
            options={
                "verbose_name": "分录",
                "verbose_name_plural": "分录",
                "indexes": [models.Index(fields=["city", "at"], name="entry_by_city_and_time")],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "reference"), name="booked_once"),
                    models.UniqueConstraint(fields=("city", "number"), name="entries_of_a_city_in_one_row"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="entries_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="8076ec2ffe8cdd54d9d2cac21bc80dd0d12082c5",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_entries_are_kept_20d3e",
                            table="contributions_entry",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="closed_months_take_no_entries",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="""
                    PERFORM pg_advisory_xact_lock(hashtextextended('chain:' || NEW.city, 0));
                    IF EXISTS (
                        SELECT 1 FROM contributions_monthclose
                        WHERE city = NEW.city AND closed_at IS NOT NULL
                            AND (month + interval '1 month') AT TIME ZONE 'Asia/Shanghai' > NEW.at
                    ) THEN
                        RAISE EXCEPTION 'the month of % is closed in %', NEW.at, NEW.city USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
                            hash="4252263d4cefd1f5f0e1fd3cf9ea7c66c6dabcab",
                            operation="INSERT",
                            pgid="pgtrigger_closed_months_take_no_entries_fc72c",
                            table="contributions_entry",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="entries_have_legs",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            constraint="CONSTRAINT",
                            func="""
                    IF NOT EXISTS (SELECT 1 FROM contributions_leg WHERE entry_id = NEW.id) THEN
                        RAISE EXCEPTION 'entry % has no legs', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
                            hash="f11e69df60fbdb17f8df59f8fe018b022eb884a0",
                            operation="INSERT",
                            pgid="pgtrigger_entries_have_legs_ad019",
                            table="contributions_entry",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="InterestRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
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
                ("year", models.PositiveSmallIntegerField(verbose_name="计息年度")),
                ("rate", models.DecimalField(decimal_places=6, max_digits=7, verbose_name="记账利率")),
                ("policy", models.CharField(max_length=80, verbose_name="政策参数")),
                ("policy_since", models.DateField(verbose_name="参数起始日")),
                ("last_person", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.person")),
                ("done_through", models.BigIntegerField(default=0)),
                ("people", models.PositiveIntegerField(default=0, verbose_name="账户数")),
                ("amount_fen", models.BigIntegerField(default=0, verbose_name="利息合计（分）")),
                ("begun_at", models.DateTimeField(verbose_name="开始时间")),
                ("begun_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="结息人")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="完成时间")),
            ],
            options={
                "verbose_name": "个人账户年度结息",
                "verbose_name_plural": "个人账户年度结息",
                "constraints": [
                    models.UniqueConstraint(fields=("city", "insurance", "year"), name="a_year_bears_interest_once"),
                    models.CheckConstraint(
                        condition=models.Q(("finished_at__isnull", True), ("done_through__gte", models.F("last_person")), _connector="OR"),
                        name="interest_run_finished_when_all_are_done",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="interest_runs_stay_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.finished_at IS NOT NULL OR NEW.done_through < OLD.done_through "
                                "OR OLD.id IS DISTINCT FROM NEW.id OR OLD.city IS DISTINCT FROM NEW.city "
                                "OR OLD.insurance IS DISTINCT FROM NEW.insurance OR OLD.year IS DISTINCT FROM NEW.year "
                                "OR OLD.rate IS DISTINCT FROM NEW.rate OR OLD.policy IS DISTINCT FROM NEW.policy "
                                "OR OLD.policy_since IS DISTINCT FROM NEW.policy_since "
                                "OR OLD.last_person_id IS DISTINCT FROM NEW.last_person_id "
                                "OR OLD.begun_at IS DISTINCT FROM NEW.begun_at "
                                "OR OLD.begun_by_id IS DISTINCT FROM NEW.begun_by_id)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="ba8615b840c10e5ffc88b6482494e8c3a9e2713c",
                            operation="UPDATE",
                            pgid="pgtrigger_interest_runs_stay_frozen_c5459",
                            table="contributions_interestrun",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="interest_runs_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="cafe1b5f37254282ca77a94539aa82e8d580172e",
                            operation="DELETE",
                            pgid="pgtrigger_interest_runs_are_kept_22df6",
                            table="contributions_interestrun",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DebitAgreement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "employer",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="debit_agreements", to="people.employer", verbose_name="单位"),
                ),
                ("city", models.CharField(max_length=30, verbose_name="扣款城市")),
                ("bank", models.CharField(max_length=20, verbose_name="银行代码")),
                ("account_number", models.CharField(max_length=32, verbose_name="账号")),
                ("holder", models.CharField(max_length=60, verbose_name="户名")),
                (
                    "case",
                    models.OneToOneField(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="debit_agreement", to="hall.case", verbose_name="办件"
                    ),
                ),
                ("agreed_at", models.DateTimeField(verbose_name="签约时间")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="终止时间")),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ended_debit_agreements",
                        to="hall.case",
                        verbose_name="终止办件",
                    ),
                ),
            ],
            options={
                "verbose_name": "单位委托扣款协议",
                "verbose_name_plural": "单位委托扣款协议",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)), fields=("employer", "city"), name="one_debit_agreement_per_employer_and_city"
                    ),
                    models.CheckConstraint(condition=models.Q(("account_number__regex", "^[0-9]{8,32}$")), name="debit_agreement_account_digits"),
                    models.CheckConstraint(condition=models.Q(("holder", ""), _negated=True), name="debit_agreement_names_its_holder"),
                    models.CheckConstraint(
                        condition=models.Q(("ended_at__isnull", True), ("ended_at__gte", models.F("agreed_at")), _connector="OR"),
                        name="debit_agreement_ends_after_it_begins",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="debit_agreements_only_end",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.employer_id IS DISTINCT FROM NEW.employer_id "
                                "OR OLD.city IS DISTINCT FROM NEW.city OR OLD.bank IS DISTINCT FROM NEW.bank "
                                "OR OLD.account_number IS DISTINCT FROM NEW.account_number "
                                "OR OLD.holder IS DISTINCT FROM NEW.holder OR OLD.case_id IS DISTINCT FROM NEW.case_id "
                                "OR OLD.agreed_at IS DISTINCT FROM NEW.agreed_at OR OLD.ended_at IS NOT NULL)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="b0fde5e4db7f38bb61e7d4828ce9a242613639b9",
                            operation="UPDATE",
                            pgid="pgtrigger_debit_agreements_only_end_68f8e",
                            table="contributions_debitagreement",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="debit_agreements_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="086bdd897215c2544d46c94b801ae264b3dbed9d",
                            operation="DELETE",
                            pgid="pgtrigger_debit_agreements_are_kept_854e5",
                            table="contributions_debitagreement",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Arrival",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="参保地")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="汇款附言")),
                ("payer", models.CharField(blank=True, max_length=100, verbose_name="付款人")),
                ("amount_fen", models.BigIntegerField(verbose_name="到账金额（分）")),
                ("bank_number", models.CharField(max_length=40, verbose_name="银行流水号")),
                ("arrived_on", models.DateField(verbose_name="到账日期")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("entered", "待复核"),
                            ("booked", "已入账"),
                            ("held", "暂收待查"),
                            ("returned", "已退回汇款方"),
                            ("struck", "登记有误，已作废"),
                        ],
                        default=contributions.models.arrivals.ArrivalStatus["ENTERED"],
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("key", models.UUIDField(unique=True)),
                ("entered_at", models.DateTimeField(verbose_name="登记时间")),
                (
                    "entered_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="登记人"),
                ),
            ],
            options={
                "verbose_name": "单位汇款到账",
                "verbose_name_plural": "单位汇款到账",
                "indexes": [models.Index(condition=models.Q(("status__in", ["entered", "held"])), fields=["city", "status"], name="arrival_to_see_to")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["entered", "booked", "held", "returned", "struck"])), name="arrival_status_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0), models.Q(("bank_number", ""), _negated=True)), name="arrival_is_of_money"),
                    models.UniqueConstraint(condition=models.Q(("status", "struck"), _negated=True), fields=("bank_number",), name="a_banks_line_arrives_once"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="arrivals_stay_as_entered",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.city IS DISTINCT FROM NEW.city "
                                "OR OLD.note IS DISTINCT FROM NEW.note OR OLD.payer IS DISTINCT FROM NEW.payer "
                                "OR OLD.amount_fen IS DISTINCT FROM NEW.amount_fen "
                                "OR OLD.bank_number IS DISTINCT FROM NEW.bank_number "
                                "OR OLD.arrived_on IS DISTINCT FROM NEW.arrived_on OR OLD.key IS DISTINCT FROM NEW.key "
                                "OR OLD.entered_at IS DISTINCT FROM NEW.entered_at "
                                "OR OLD.entered_by_id IS DISTINCT FROM NEW.entered_by_id "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('entered', 'booked'), ('entered', 'held'), ('entered', 'struck'), ('held', 'booked'), ('held', 'returned'), ('booked', 'held'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="eac0f142048a2d70ee6949c70efde138d00c823d",
                            operation="UPDATE",
                            pgid="pgtrigger_arrivals_stay_as_entered_5d07c",
                            table="contributions_arrival",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="arrivals_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="0db61628962cac97ebf24450369f02fc9ffa3271",
                            operation="DELETE",
                            pgid="pgtrigger_arrivals_are_kept_9508f",
                            table="contributions_arrival",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(verbose_name="开始时间")),
                ("finished_at", models.DateTimeField(verbose_name="结束时间")),
                (
                    "since",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contributions.auditrun",
                        verbose_name="自哪次核对以来",
                    ),
                ),
                ("findings", models.JSONField(default=list, verbose_name="核对结果")),
                ("broken", models.PositiveIntegerField(verbose_name="不符的不变量")),
                ("failure", models.TextField(blank=True, verbose_name="未完成的原因")),
                ("place", models.JSONField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "账目核对",
                "verbose_name_plural": "账目核对",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("finished_at__gte", models.F("started_at"))), name="audit_ends_after_it_began"),
                    models.CheckConstraint(
                        condition=models.Q(("failure", ""), ("place__isnull", True), _connector="OR"), name="audit_that_failed_has_no_place"
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="audits_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="28a9b49b6d8e3de5fb044e3c6c7c9c94aa5342a7",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_audits_are_kept_8d54d",
                            table="contributions_auditrun",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MovedOut",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.person", verbose_name="参保人")),
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
                ("start", portal.columns.MonthField(verbose_name="最早月份")),
                ("until", portal.columns.MonthField(verbose_name="最晚月份（不含）")),
                ("months", models.PositiveIntegerField(verbose_name="月数")),
                ("wages", models.JSONField(verbose_name="各年缴费工资（元）")),
                ("account_fen", models.BigIntegerField(verbose_name="个人账户（分）")),
                ("pooled_fen", models.BigIntegerField(verbose_name="统筹基金（分）")),
                ("key", models.CharField(max_length=60, unique=True)),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="经办人")),
                ("city", models.CharField(max_length=30, verbose_name="转出地")),
                ("to_city", models.CharField(blank=True, max_length=30, verbose_name="转入地")),
                ("to_place", models.CharField(max_length=60, verbose_name="转入地名称")),
                ("live", models.BooleanField(default=True, verbose_name="有效")),
            ],
            options={
                "verbose_name": "转出记录",
                "verbose_name_plural": "转出记录",
                "indexes": [models.Index(fields=["person", "insurance"], name="moved_out_by_person")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("insurance__in", ["pension", "medical", "unemployment", "work_injury", "maternity"])),
                        name="moved_out_insurance_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("start__isnull", True), ("start__day", 1), _connector="OR"), name="moved_out_start_is_month"),
                    models.CheckConstraint(condition=models.Q(("until__isnull", True), ("until__day", 1), _connector="OR"), name="moved_out_until_is_month"),
                    models.CheckConstraint(condition=models.Q(("months__gt", 0), ("until__gt", models.F("start"))), name="moved_out_has_months_in_order"),
                    models.CheckConstraint(condition=models.Q(("account_fen__gte", 0), ("pooled_fen__gte", 0)), name="moved_out_amounts_not_negative"),
                    models.CheckConstraint(condition=models.Q(("key", ""), _negated=True), name="moved_out_has_a_key"),
                    models.CheckConstraint(condition=models.Q(("city", models.F("to_city")), _negated=True), name="moved_out_of_its_city"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="moved_out_is_only_taken_back",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.person_id IS DISTINCT FROM NEW.person_id "
                                "OR OLD.insurance IS DISTINCT FROM NEW.insurance OR OLD.start IS DISTINCT FROM NEW.start "
                                "OR OLD.until IS DISTINCT FROM NEW.until OR OLD.months IS DISTINCT FROM NEW.months "
                                "OR OLD.wages IS DISTINCT FROM NEW.wages "
                                "OR OLD.account_fen IS DISTINCT FROM NEW.account_fen "
                                "OR OLD.pooled_fen IS DISTINCT FROM NEW.pooled_fen OR OLD.key IS DISTINCT FROM NEW.key "
                                "OR OLD.at IS DISTINCT FROM NEW.at OR OLD.by_id IS DISTINCT FROM NEW.by_id "
                                "OR OLD.city IS DISTINCT FROM NEW.city OR OLD.to_city IS DISTINCT FROM NEW.to_city "
                                "OR OLD.to_place IS DISTINCT FROM NEW.to_place OR NOT OLD.live)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="26f808d00e933e3bcbaa8fc32a7990b2401ad681",
                            operation="UPDATE",
                            pgid="pgtrigger_moved_out_is_only_taken_back_162bc",
                            table="contributions_movedout",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="moved_out_is_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="aa51929fc5b21f24ea700ab4bb6a174609e15fd5",
                            operation="DELETE",
                            pgid="pgtrigger_moved_out_is_kept_34c4a",
                            table="contributions_movedout",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DaySheet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
                ("day", models.DateField(verbose_name="日期")),
                ("made_at", models.DateTimeField(verbose_name="生成时间")),
                ("made_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="生成人")),
                ("last_number", models.BigIntegerField(verbose_name="最后分录序号")),
                ("entries", models.PositiveIntegerField(verbose_name="分录数")),
                ("agrees", models.BooleanField(verbose_name="账实相符")),
            ],
            options={
                "verbose_name": "日终试算平衡",
                "verbose_name_plural": "日终试算平衡",
                "constraints": [models.UniqueConstraint(fields=("city", "day"), name="one_sheet_for_a_day")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="day_sheets_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="8d30f697f1d82c5ad1a110d5497872ff793987e6",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_day_sheets_are_kept_3c294",
                            table="contributions_daysheet",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MonthClose",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
                ("month", portal.columns.MonthField(verbose_name="月份")),
                ("proposed_at", models.DateTimeField(verbose_name="提请时间")),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="proposed_closes", to=settings.AUTH_USER_MODEL, verbose_name="提请人"
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="月结时间")),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="made_closes",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="复核人",
                    ),
                ),
                ("last_number", models.BigIntegerField(blank=True, null=True, verbose_name="最后分录序号")),
                ("previous_digest", models.CharField(blank=True, max_length=64, verbose_name="上一环摘要")),
                ("digest", models.CharField(blank=True, max_length=64, verbose_name="摘要")),
            ],
            options={
                "verbose_name": "月结",
                "verbose_name_plural": "月结",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("month__isnull", True), ("month__day", 1), _connector="OR"), name="closed_month_is_month"),
                    models.UniqueConstraint(fields=("city", "month"), name="a_month_is_closed_once"),
                    models.CheckConstraint(
                        condition=models.Q(("closed_by__isnull", True), models.Q(("closed_by", models.F("proposed_by")), _negated=True), _connector="OR"),
                        name="month_closed_by_a_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("closed_by__isnull", True), ("digest", ""), ("last_number__isnull", True)),
                            models.Q(
                                ("closed_at__isnull", False),
                                ("closed_by__isnull", False),
                                ("last_number__isnull", False),
                                models.Q(("digest", ""), _negated=True),
                                models.Q(("previous_digest", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="closed_month_is_sealed",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="closed_months_stay_closed",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.closed_at IS NOT NULL OR OLD.id IS DISTINCT FROM NEW.id "
                                "OR OLD.city IS DISTINCT FROM NEW.city OR OLD.month IS DISTINCT FROM NEW.month "
                                "OR OLD.proposed_at IS DISTINCT FROM NEW.proposed_at "
                                "OR OLD.proposed_by_id IS DISTINCT FROM NEW.proposed_by_id)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="d7030c6caefb7124d332bc8f18d55136dfc98e51",
                            operation="UPDATE",
                            pgid="pgtrigger_closed_months_stay_closed_448ad",
                            table="contributions_monthclose",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="closes_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="64b221239fed79cd8149ba7ca8ac1d4ecb6854ab",
                            operation="DELETE",
                            pgid="pgtrigger_closes_are_kept_5a81d",
                            table="contributions_monthclose",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=40, unique=True, verbose_name="订单号")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="people.person",
                        verbose_name="参保人",
                    ),
                ),
                (
                    "employer",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="people.employer",
                        verbose_name="单位",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "待支付"), ("paid", "缴费成功"), ("cancelled", "已取消"), ("expired", "已过期"), ("reversed", "已冲正")],
                        default=contributions.models.orders.OrderStatus["OPEN"],
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("line_count", models.PositiveIntegerField(verbose_name="笔数")),
                ("sum_fen", models.BigIntegerField(verbose_name="金额（分）")),
                ("key", models.UUIDField(unique=True)),
                ("digest", models.CharField(max_length=64)),
                ("placed_at", models.DateTimeField(verbose_name="下单时间")),
                (
                    "placed_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="orders", to=settings.AUTH_USER_MODEL, verbose_name="下单人"),
                ),
                ("expires_at", models.DateTimeField(verbose_name="支付截止时间")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="完结时间")),
            ],
            options={
                "verbose_name": "缴费订单",
                "verbose_name_plural": "缴费订单",
                "indexes": [
                    models.Index(fields=["person", "-placed_at"], name="order_by_person"),
                    models.Index(condition=models.Q(("employer__isnull", False)), fields=["employer", "-placed_at"], name="order_by_employer"),
                    models.Index(condition=models.Q(("status", "open")), fields=["expires_at"], name="order_to_expire"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("status__in", ["open", "paid", "cancelled", "expired", "reversed"])), name="order_status_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("employer__isnull", True), ("person__isnull", False)),
                            models.Q(("employer__isnull", False), ("person__isnull", True)),
                            _connector="OR",
                        ),
                        name="order_is_a_persons_or_an_employers",
                    ),
                    models.CheckConstraint(condition=models.Q(("line_count__gt", 0), ("sum_fen__gt", 0)), name="order_is_not_empty"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("status", "open")),
                            models.Q(models.Q(("status", "open"), _negated=True), ("ended_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="order_ended_unless_open",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="orders_stay_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.number IS DISTINCT FROM NEW.number "
                                "OR OLD.city IS DISTINCT FROM NEW.city OR OLD.person_id IS DISTINCT FROM NEW.person_id "
                                "OR OLD.employer_id IS DISTINCT FROM NEW.employer_id "
                                "OR OLD.line_count IS DISTINCT FROM NEW.line_count "
                                "OR OLD.sum_fen IS DISTINCT FROM NEW.sum_fen OR OLD.key IS DISTINCT FROM NEW.key "
                                "OR OLD.digest IS DISTINCT FROM NEW.digest OR OLD.placed_at IS DISTINCT FROM NEW.placed_at "
                                "OR OLD.placed_by_id IS DISTINCT FROM NEW.placed_by_id OR NEW.expires_at < OLD.expires_at "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('open', 'paid'), ('open', 'cancelled'), ('open', 'expired'), ('paid', 'reversed'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="30539c7cebf9253a0d49d9fe5222a172b8cb2975",
                            operation="UPDATE",
                            pgid="pgtrigger_orders_stay_frozen_a7daf",
                            table="contributions_order",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="orders_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="c30bd6bbdcbfd9c6eb2db179169e6f4db5b40f97",
                            operation="DELETE",
                            pgid="pgtrigger_orders_are_kept_b39c3",
                            table="contributions_order",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="orders_are_the_sum_of_their_lines",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            constraint="CONSTRAINT",
                            func="""
                    IF EXISTS (
                        SELECT 1 FROM (
                            SELECT amount_fen FROM contributions_orderline WHERE order_id = NEW.id
                            UNION ALL
                            SELECT amount_fen FROM contributions_topup WHERE order_id = NEW.id
                        ) part
                        HAVING (count(*), coalesce(sum(amount_fen), 0)) <> (NEW.line_count, NEW.sum_fen)
                    ) THEN
                        RAISE EXCEPTION 'order % is not the sum of its lines', NEW.number USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
                            hash="415b0335a5540f2b4dd99c5cef32b6c0939c6f24",
                            operation="INSERT",
                            pgid="pgtrigger_orders_are_the_sum_of_their_lines_356c6",
                            table="contributions_order",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ForgedNotices",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=30, verbose_name="渠道")),
                ("day", models.DateField(verbose_name="日期")),
                ("count", models.PositiveBigIntegerField(verbose_name="次数")),
            ],
            options={
                "verbose_name": "验签不通过的支付通知",
                "verbose_name_plural": "验签不通过的支付通知",
                "constraints": [models.UniqueConstraint(fields=("channel", "day"), name="forged_notices_are_counted_once_a_day")],
            },
        ),
        migrations.CreateModel(
            name="DayFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "partner",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="day_files", to="partners.partner", verbose_name="接口合作方"),
                ),
                ("day", models.DateField(verbose_name="对账日")),
                ("side", models.CharField(choices=[("ours", "大厅记账"), ("theirs", "合作方记账")], max_length=6, verbose_name="来源")),
                ("content", models.BinaryField(verbose_name="内容")),
                ("digest", models.CharField(max_length=64, verbose_name="摘要（SHA-256）")),
                ("line_count", models.PositiveIntegerField(verbose_name="笔数")),
                ("sum_fen", models.BigIntegerField(verbose_name="净额（分）")),
                ("at", models.DateTimeField(verbose_name="生成或收到时间")),
                ("compared_at", models.DateTimeField(blank=True, null=True, verbose_name="比对时间")),
            ],
            options={
                "verbose_name": "对账文件",
                "verbose_name_plural": "对账文件",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("side__in", ["ours", "theirs"])), name="day_file_side_known"),
                    models.CheckConstraint(
                        condition=models.Q(("compared_at__isnull", True), ("side", "theirs"), _connector="OR"), name="day_file_compared_is_theirs"
                    ),
                    models.UniqueConstraint(fields=("partner", "day", "side"), name="one_file_a_side_and_day"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="day_files_stay_as_they_are",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.partner_id IS DISTINCT FROM NEW.partner_id "
                                "OR OLD.day IS DISTINCT FROM NEW.day OR OLD.side IS DISTINCT FROM NEW.side "
                                "OR OLD.content IS DISTINCT FROM NEW.content OR OLD.digest IS DISTINCT FROM NEW.digest "
                                "OR OLD.line_count IS DISTINCT FROM NEW.line_count "
                                "OR OLD.sum_fen IS DISTINCT FROM NEW.sum_fen OR OLD.at IS DISTINCT FROM NEW.at "
                                "OR OLD.compared_at IS NOT NULL)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="58327c182d1e043594d872312ac57324e2e45864",
                            operation="UPDATE",
                            pgid="pgtrigger_day_files_stay_as_they_are_083f8",
                            table="contributions_dayfile",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="day_files_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="89e03f247f2fae0e0df6f584167a3e1f1bbd6b2a",
                            operation="DELETE",
                            pgid="pgtrigger_day_files_are_kept_63afb",
                            table="contributions_dayfile",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Cancellation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "charge",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cancellation", to="contributions.charge", verbose_name="应缴"
                    ),
                ),
                ("kind", models.CharField(choices=[("void", "作废"), ("written_off", "注销")], max_length=12, verbose_name="方式")),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="操作人")),
                ("why", models.CharField(max_length=200, verbose_name="原因")),
            ],
            options={
                "verbose_name": "应缴作废与注销",
                "verbose_name_plural": "应缴作废与注销",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("kind__in", ["void", "written_off"])), name="cancellation_kind_known"),
                    models.CheckConstraint(condition=models.Q(("why", ""), _negated=True), name="cancellation_says_why"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="cancellations_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="6bbddc381d079a62b7937789364b0cfebf8faa02",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_cancellations_are_kept_1ac36",
                            table="contributions_cancellation",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Surcharge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "charge",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="surcharges", to="contributions.charge", verbose_name="应缴"
                    ),
                ),
                ("kind", models.CharField(choices=[("interest", "补缴利息"), ("late_fee", "滞纳金")], max_length=10, verbose_name="类别")),
                ("principal_fen", models.BigIntegerField(verbose_name="计算基数（分）")),
                ("since", models.DateField(verbose_name="缴费期限")),
                ("paid_on", models.DateField(verbose_name="计算到")),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
                ("policy", models.CharField(max_length=60, verbose_name="计算依据")),
                ("policy_since", models.DateField(verbose_name="依据起用日期")),
                (
                    "status",
                    models.CharField(
                        choices=[("owed", "待缴"), ("paid", "已缴"), ("void", "已作废"), ("reversed", "已冲正")],
                        default=contributions.models.surcharges.SurchargeStatus["OWED"],
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("live", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(verbose_name="核定时间")),
            ],
            options={
                "verbose_name": "利息与滞纳金",
                "verbose_name_plural": "利息与滞纳金",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("kind__in", ["interest", "late_fee"])), name="surcharge_kind_known"),
                    models.CheckConstraint(condition=models.Q(("status__in", ["owed", "paid", "void", "reversed"])), name="surcharge_status_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("live", True), ("status__in", ["owed", "paid"])),
                            models.Q(("live", False), ("status__in", ["void", "reversed"])),
                            _connector="OR",
                        ),
                        name="surcharge_live_unless_void",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gte", 0), ("paid_on__gt", models.F("since")), ("principal_fen__gt", 0)),
                        name="surcharge_is_for_days_overdue",
                    ),
                    models.CheckConstraint(condition=models.Q(("policy", ""), _negated=True), name="surcharge_names_its_policy"),
                    models.UniqueConstraint(condition=models.Q(("live", True)), fields=("charge",), name="one_live_surcharge_per_charge"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="surcharges_only_change_status",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.charge_id IS DISTINCT FROM NEW.charge_id "
                                "OR OLD.kind IS DISTINCT FROM NEW.kind "
                                "OR OLD.principal_fen IS DISTINCT FROM NEW.principal_fen "
                                "OR OLD.since IS DISTINCT FROM NEW.since OR OLD.paid_on IS DISTINCT FROM NEW.paid_on "
                                "OR OLD.amount_fen IS DISTINCT FROM NEW.amount_fen "
                                "OR OLD.policy IS DISTINCT FROM NEW.policy "
                                "OR OLD.policy_since IS DISTINCT FROM NEW.policy_since "
                                "OR OLD.created_at IS DISTINCT FROM NEW.created_at "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('owed', 'paid'), ('owed', 'void'), ('paid', 'reversed'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="d0403f59dd6ed3cacd8d857ad9f5ced1ed3dbc76",
                            operation="UPDATE",
                            pgid="pgtrigger_surcharges_only_change_status_23cbc",
                            table="contributions_surcharge",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="surcharges_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="9a5d709ee8bedf49fb2f3525969fbf2ca73c6b1f",
                            operation="DELETE",
                            pgid="pgtrigger_surcharges_are_kept_59b97",
                            table="contributions_surcharge",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AssessmentEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "assessment",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="events", to="contributions.assessment", verbose_name="核定单"),
                ),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="操作人")),
                (
                    "status",
                    models.CharField(
                        choices=[("drawn_up", "待单位确认"), ("confirmed", "已确认，待缴款"), ("paid", "已缴清"), ("replaced", "已更正")],
                        max_length=10,
                        verbose_name="到达状态",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="说明")),
            ],
            options={
                "verbose_name": "核定单经过",
                "verbose_name_plural": "核定单经过",
                "ordering": ("at", "id"),
                "constraints": [models.UniqueConstraint(fields=("assessment", "status"), name="an_assessment_reaches_a_status_once")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="assessment_events_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="39aa3e4fd2ef9c79402cd0b669b5c9a0a67ad685",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_assessment_events_are_kept_a74a5",
                            table="contributions_assessmentevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BatchEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="events", to="contributions.debitbatch", verbose_name="批次"),
                ),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="操作人")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("opened", "待核对放行"),
                            ("released", "待送银行"),
                            ("sent", "已送银行"),
                            ("held", "结果有疑，已暂缓"),
                            ("answered", "已收结果，记账中"),
                            ("posted", "已记账，待关闭"),
                            ("closed", "已关闭"),
                        ],
                        max_length=10,
                        verbose_name="到达状态",
                    ),
                ),
                ("note", models.TextField(blank=True, verbose_name="说明")),
            ],
            options={
                "verbose_name": "批次经过",
                "verbose_name_plural": "批次经过",
                "ordering": ("at", "id"),
                "constraints": [models.UniqueConstraint(fields=("batch", "status"), name="a_batch_reaches_a_status_once")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="batch_events_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="5957eff9ceb8281b9317486a1ba5c2f25e5b77b5",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_batch_events_are_kept_6389f",
                            table="contributions_batchevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PostingChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("batch", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="chunks", to="contributions.debitbatch")),
                ("number", models.PositiveIntegerField()),
                ("first", models.PositiveIntegerField()),
                ("last", models.PositiveIntegerField()),
                ("posted_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("batch", "number"), name="one_chunk_per_number"),
                    models.CheckConstraint(condition=models.Q(("last__gte", models.F("first"))), name="chunk_in_order"),
                ],
            },
        ),
        migrations.CreateModel(
            name="BankFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="contributions.debitbatch",
                        verbose_name="批次",
                    ),
                ),
                ("direction", models.CharField(choices=[("out", "送银行"), ("in", "银行返回")], max_length=3, verbose_name="方向")),
                ("name", models.CharField(max_length=200, verbose_name="文件名")),
                ("digest", models.CharField(max_length=64, verbose_name="摘要")),
                ("size", models.BigIntegerField(verbose_name="字节数")),
                ("received_at", models.DateTimeField(verbose_name="时间")),
                ("status", models.CharField(choices=[("accepted", "已采用"), ("held", "已暂缓")], max_length=10, verbose_name="处理")),
                ("why", models.TextField(blank=True, verbose_name="说明")),
            ],
            options={
                "verbose_name": "银行文件",
                "verbose_name_plural": "银行文件",
                "ordering": ("received_at", "id"),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("direction__in", ["out", "in"])), name="bank_file_direction_known"),
                    models.CheckConstraint(condition=models.Q(("status__in", ["accepted", "held"])), name="bank_file_status_known"),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("status", "held"), _negated=True), models.Q(("why", ""), _negated=True), _connector="OR"),
                        name="bank_file_held_with_reason",
                    ),
                    models.UniqueConstraint(fields=("direction", "digest"), name="the_same_file_counts_once"),
                    models.UniqueConstraint(condition=models.Q(("status", "accepted")), fields=("batch", "direction"), name="one_accepted_file_each_way"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="bank_files_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="f2deed8d5b5e515c1b904c120084ca18379aa8cf",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_bank_files_are_kept_a6f64",
                            table="contributions_bankfile",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Leg",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entry", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="legs", to="contributions.entry", verbose_name="分录")),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="legs", to="contributions.ledgeraccount", verbose_name="科目"),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
            ],
            options={
                "verbose_name": "分录明细",
                "verbose_name_plural": "分录明细",
                "constraints": [models.CheckConstraint(condition=models.Q(("amount_fen", 0), _negated=True), name="leg_is_not_zero")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="legs_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="7a16009c90f380d1810b3d1b78f161e967c46777",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_legs_are_kept_89a25",
                            table="contributions_leg",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="entries_balance",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="""
                    IF EXISTS (SELECT 1 FROM new_legs GROUP BY entry_id HAVING sum(amount_fen) <> 0) THEN
                        RAISE EXCEPTION 'the legs of an entry do not sum to zero' USING ERRCODE = 'check_violation';
                    END IF;
                    IF EXISTS (
                        SELECT 1 FROM contributions_leg leg
                        WHERE leg.entry_id IN (SELECT entry_id FROM new_legs)
                          AND NOT EXISTS (SELECT 1 FROM new_legs WHERE new_legs.id = leg.id)
                    ) THEN
                        RAISE EXCEPTION 'the entry has its legs already' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
                            hash="92e3d3f4f1dac05ba23d4cf186e1fc44b06dd46a",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_entries_balance_292f6",
                            referencing="REFERENCING NEW TABLE AS new_legs ",
                            table="contributions_leg",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountMovement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="account_movements", to="people.person", verbose_name="参保人"
                    ),
                ),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("interest", "记账利息"),
                            ("top_up", "个人充值"),
                            ("transfer_in", "转移接续转入"),
                            ("transfer_out", "转移接续转出"),
                            ("duplicate_taken_back", "重复缴费扣回"),
                            ("reversed", "缴费冲正"),
                        ],
                        max_length=20,
                        verbose_name="类别",
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
                ("pooled_fen", models.BigIntegerField(default=0, verbose_name="统筹部分（分）")),
                ("surcharge_fen", models.BigIntegerField(default=0, verbose_name="利息或滞纳金（分）")),
                (
                    "against",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="account_movements",
                        to="contributions.ledgeraccount",
                        verbose_name="对方科目",
                    ),
                ),
                ("booked_on", models.DateField(verbose_name="记账日期")),
                ("key", models.CharField(max_length=100, unique=True, verbose_name="凭据")),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="account_movements", to="contributions.entry", verbose_name="分录"
                    ),
                ),
            ],
            options={
                "verbose_name": "个人账户变动",
                "verbose_name_plural": "个人账户变动",
                "indexes": [models.Index(fields=["person", "city", "insurance"], name="account_movement_of_account")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["interest", "top_up", "transfer_in", "transfer_out", "duplicate_taken_back", "reversed"])),
                        name="account_movement_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("insurance__in", ["pension", "medical"]), models.Q(("amount_fen", 0), ("kind", "reversed")), _connector="OR"),
                        name="account_movement_insurance_has_accounts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("amount_fen", 0), _negated=True),
                            models.Q(
                                models.Q(("pooled_fen", 0), _negated=True), ("kind__in", ["transfer_in", "transfer_out", "duplicate_taken_back", "reversed"])
                            ),
                            _connector="OR",
                        ),
                        name="account_movement_moves_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                models.Q(("kind__in", ["top_up", "transfer_in"]), _negated=True),
                                models.Q(("amount_fen__gte", 0), ("pooled_fen__gte", 0)),
                                _connector="OR",
                            ),
                            models.Q(
                                models.Q(("kind__in", ["transfer_out", "duplicate_taken_back", "reversed"]), _negated=True),
                                models.Q(("amount_fen__lte", 0), ("pooled_fen__lte", 0)),
                                _connector="OR",
                            ),
                            models.Q(("kind__in", ["transfer_in", "transfer_out", "duplicate_taken_back", "reversed"]), ("pooled_fen", 0), _connector="OR"),
                            models.Q(models.Q(("kind", "reversed"), ("surcharge_fen__lte", 0)), ("surcharge_fen", 0), _connector="OR"),
                        ),
                        name="account_movement_goes_the_way_of_its_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("kind", "top_up"), _negated=True), ("insurance", "medical"), _connector="OR"),
                        name="only_medical_is_topped_up",
                    ),
                    models.CheckConstraint(condition=models.Q(("key", ""), _negated=True), name="account_movement_has_a_key"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="account_movements_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="ccce037bbe327c7f9bf95492ddb5ab88383600db",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_account_movements_are_kept_66a12",
                            table="contributions_accountmovement",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="no_account_below_zero",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.amount_fen < 0)",
                            declare="DECLARE balance bigint;",
                            func="""
                    PERFORM 1 FROM people_person WHERE id = NEW.person_id FOR NO KEY UPDATE;
                    SELECT coalesce(sum(fen), 0) INTO balance FROM (
                        SELECT receipt.account_fen AS fen
                        FROM contributions_charge charge
                        JOIN contributions_receipt receipt ON receipt.charge_id = charge.id AND receipt.applied
                        WHERE charge.person_id = NEW.person_id AND charge.city = NEW.city
                            AND charge.insurance = NEW.insurance
                        UNION ALL
                        SELECT amount_fen FROM contributions_accountmovement
                        WHERE person_id = NEW.person_id AND city = NEW.city AND insurance = NEW.insurance
                    ) moved;
                    IF balance < 0 THEN
                        RAISE EXCEPTION 'the % account of person % in % would hold % fen',
                            NEW.insurance, NEW.person_id, NEW.city, balance USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
                            hash="320cae9ef677fc0fafdf701b398d1698f6064165",
                            operation="INSERT",
                            pgid="pgtrigger_no_account_below_zero_5bb14",
                            table="contributions_accountmovement",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Repricing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "charge",
                    models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="repricing", to="contributions.charge", verbose_name="应缴"),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="repriced_by",
                        to="contributions.charge",
                        verbose_name="已注销的应缴",
                    ),
                ),
                ("priced_in", portal.columns.MonthField(verbose_name="按何时标准")),
                ("at", models.DateTimeField(verbose_name="核定时间")),
                (
                    "case",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="repricings", to="hall.case", verbose_name="办件"
                    ),
                ),
            ],
            options={
                "verbose_name": "按补缴时标准核定",
                "verbose_name_plural": "按补缴时标准核定",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("priced_in__isnull", True), ("priced_in__day", 1), _connector="OR"), name="repricing_month_is_month"
                    )
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="repricings_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="e0d29e594a6fd99cbf18ec88555e4c2c07004e86",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_repricings_are_kept_74f63",
                            table="contributions_repricing",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="only_written_off_pension_is_replaced",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="""
                    IF NEW.replaces_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM contributions_charge former, contributions_charge later
                        WHERE former.id = NEW.replaces_id AND later.id = NEW.charge_id AND former.id <> later.id
                          AND former.status = 'written_off' AND former.insurance = 'pension'
                          AND (former.person_id, former.insurance, former.month)
                            = (later.person_id, later.insurance, later.month)
                    ) THEN
                        RAISE EXCEPTION 'charge % cannot replace charge %', NEW.charge_id, NEW.replaces_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
                            hash="ce729ba9d66b1b7f55d54a97ceca541da98aa31d",
                            operation="INSERT",
                            pgid="pgtrigger_only_written_off_pension_is_replaced_a9c82",
                            table="contributions_repricing",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ArrivalStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "arrival",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="contributions.arrival", verbose_name="单位汇款到账"
                    ),
                ),
                (
                    "way",
                    models.CharField(
                        choices=[("book", "入账"), ("hold", "记入暂收款，待查"), ("reverse", "冲正，款项转回暂收款"), ("return", "登记退回汇款方")],
                        max_length=7,
                        verbose_name="处理方式",
                    ),
                ),
                (
                    "assessment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contributions.assessment",
                        verbose_name="核定单",
                    ),
                ),
                (
                    "bill",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contributions.arrearsbill",
                        verbose_name="补缴单",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="说明")),
                ("returned_number", models.CharField(blank=True, max_length=40, verbose_name="退汇流水号")),
                ("key", models.UUIDField(unique=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("proposed", "待复核"), ("approved", "已复核"), ("refused", "复核未通过")],
                        default=contributions.models.arrivals.StepStatus["PROPOSED"],
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("proposed_at", models.DateTimeField(verbose_name="经办时间")),
                (
                    "proposed_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="经办人"),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="复核时间")),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="复核人"
                    ),
                ),
                ("why", models.CharField(blank=True, max_length=200, verbose_name="不同意的原因")),
                ("suspense_fen", models.BigIntegerField(default=0)),
                (
                    "entry",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="arrival_step",
                        to="contributions.entry",
                        verbose_name="分录",
                    ),
                ),
            ],
            options={
                "verbose_name": "单位汇款处理",
                "verbose_name_plural": "单位汇款处理",
                "ordering": ("pk",),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("way__in", ["book", "hold", "reverse", "return"])), name="arrival_way_known"),
                    models.CheckConstraint(condition=models.Q(("status__in", ["proposed", "approved", "refused"])), name="arrival_step_status_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("assessment__isnull", True), ("bill__isnull", True), ("way__in", ["hold", "reverse", "return"])),
                            models.Q(("assessment__isnull", False), ("bill__isnull", True), ("way__in", ["book", "hold"])),
                            models.Q(("assessment__isnull", True), ("bill__isnull", False), ("way__in", ["book", "hold"])),
                            _connector="OR",
                        ),
                        name="arrival_is_booked_to_one_thing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(models.Q(("way__in", ["reverse", "return"]), _negated=True), models.Q(("reason", ""), _negated=True), _connector="OR"),
                            models.Q(
                                models.Q(("way", "return"), models.Q(("returned_number", ""), _negated=True)),
                                models.Q(models.Q(("way", "return"), _negated=True), ("returned_number", "")),
                                _connector="OR",
                            ),
                        ),
                        name="arrival_goes_back_with_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("status", "proposed")),
                            models.Q(models.Q(("status", "proposed"), _negated=True), ("decided_at__isnull", False), ("decided_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="arrival_step_decided_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decided_by__isnull", True), models.Q(("decided_by", models.F("proposed_by")), _negated=True), _connector="OR"),
                        name="arrival_step_decided_by_a_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("status", "refused"), _negated=True), models.Q(("why", ""), _negated=True), _connector="OR"),
                        name="arrival_step_refused_with_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(models.Q(("status", "approved"), _negated=True), ("entry__isnull", True), ("suspense_fen", 0)),
                            models.Q(("entry__isnull", False), ("status", "approved"), ("suspense_fen__lte", 0), ("way", "book")),
                            models.Q(("entry__isnull", False), ("status", "approved"), ("suspense_fen__gt", 0), ("way", "hold")),
                            models.Q(("entry__isnull", False), ("status", "approved"), ("suspense_fen__lt", 0), ("way", "return")),
                            models.Q(("entry__isnull", True), ("status", "approved"), ("suspense_fen__gt", 0), ("way", "reverse")),
                            _connector="OR",
                        ),
                        name="arrival_step_booked_by_its_way",
                    ),
                    models.UniqueConstraint(condition=models.Q(("status", "proposed")), fields=("arrival",), name="one_step_of_an_arrival_is_proposed"),
                    models.UniqueConstraint(
                        condition=models.Q(models.Q(("returned_number", ""), _negated=True), models.Q(("status", "refused"), _negated=True)),
                        fields=("returned_number",),
                        name="a_banks_number_returns_one_arrival",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="arrival_steps_stay_as_proposed",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.arrival_id IS DISTINCT FROM NEW.arrival_id "
                                "OR OLD.way IS DISTINCT FROM NEW.way "
                                "OR OLD.assessment_id IS DISTINCT FROM NEW.assessment_id "
                                "OR OLD.bill_id IS DISTINCT FROM NEW.bill_id OR OLD.reason IS DISTINCT FROM NEW.reason "
                                "OR OLD.returned_number IS DISTINCT FROM NEW.returned_number "
                                "OR OLD.key IS DISTINCT FROM NEW.key OR OLD.proposed_at IS DISTINCT FROM NEW.proposed_at "
                                "OR OLD.proposed_by_id IS DISTINCT FROM NEW.proposed_by_id OR OLD.status <> 'proposed' "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('proposed', 'approved'), ('proposed', 'refused'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="964737b3bb86bc846ab43af1c67b7c9cef2a4c1e",
                            operation="UPDATE",
                            pgid="pgtrigger_arrival_steps_stay_as_proposed_8da85",
                            table="contributions_arrivalstep",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="arrival_steps_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="638ab5639befd46d43ec63fc4274085dc556dcea",
                            operation="DELETE",
                            pgid="pgtrigger_arrival_steps_are_kept_2ce49",
                            table="contributions_arrivalstep",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BroughtIn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.person", verbose_name="参保人")),
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
                ("start", portal.columns.MonthField(verbose_name="最早月份")),
                ("until", portal.columns.MonthField(verbose_name="最晚月份（不含）")),
                ("months", models.PositiveIntegerField(verbose_name="月数")),
                ("wages", models.JSONField(verbose_name="各年缴费工资（元）")),
                ("account_fen", models.BigIntegerField(verbose_name="个人账户（分）")),
                ("pooled_fen", models.BigIntegerField(verbose_name="统筹基金（分）")),
                ("key", models.CharField(max_length=60, unique=True)),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="经办人")),
                ("city", models.CharField(max_length=30, verbose_name="转入地")),
                ("from_city", models.CharField(blank=True, max_length=30, verbose_name="转出地")),
                ("from_place", models.CharField(max_length=60, verbose_name="转出地名称")),
                (
                    "moved_out",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="brought_in",
                        to="contributions.movedout",
                        verbose_name="转出记录",
                    ),
                ),
                (
                    "moved_on",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="brought_along",
                        to="contributions.movedout",
                        verbose_name="随后转出",
                    ),
                ),
            ],
            options={
                "verbose_name": "转入记录",
                "verbose_name_plural": "转入记录",
                "indexes": [models.Index(fields=["person", "insurance"], name="brought_in_by_person")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("insurance__in", ["pension", "medical", "unemployment", "work_injury", "maternity"])),
                        name="brought_in_insurance_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("start__isnull", True), ("start__day", 1), _connector="OR"), name="brought_in_start_is_month"),
                    models.CheckConstraint(condition=models.Q(("until__isnull", True), ("until__day", 1), _connector="OR"), name="brought_in_until_is_month"),
                    models.CheckConstraint(condition=models.Q(("months__gt", 0), ("until__gt", models.F("start"))), name="brought_in_has_months_in_order"),
                    models.CheckConstraint(condition=models.Q(("account_fen__gte", 0), ("pooled_fen__gte", 0)), name="brought_in_amounts_not_negative"),
                    models.CheckConstraint(condition=models.Q(("key", ""), _negated=True), name="brought_in_has_a_key"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("from_city", ""), ("moved_out__isnull", True)),
                            models.Q(
                                models.Q(("from_city", ""), _negated=True),
                                models.Q(("from_city", models.F("city")), _negated=True),
                                ("moved_out__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="brought_in_as_it_was_moved_out",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("moved_on__isnull", True),
                            ("moved_out__isnull", True),
                            models.Q(("moved_on", models.F("moved_out")), _negated=True),
                            _connector="OR",
                        ),
                        name="brought_in_moves_on_by_another",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="brought_in_only_moves_on",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.person_id IS DISTINCT FROM NEW.person_id "
                                "OR OLD.insurance IS DISTINCT FROM NEW.insurance OR OLD.start IS DISTINCT FROM NEW.start "
                                "OR OLD.until IS DISTINCT FROM NEW.until OR OLD.months IS DISTINCT FROM NEW.months "
                                "OR OLD.wages IS DISTINCT FROM NEW.wages "
                                "OR OLD.account_fen IS DISTINCT FROM NEW.account_fen "
                                "OR OLD.pooled_fen IS DISTINCT FROM NEW.pooled_fen OR OLD.key IS DISTINCT FROM NEW.key "
                                "OR OLD.at IS DISTINCT FROM NEW.at OR OLD.by_id IS DISTINCT FROM NEW.by_id "
                                "OR OLD.city IS DISTINCT FROM NEW.city OR OLD.from_city IS DISTINCT FROM NEW.from_city "
                                "OR OLD.from_place IS DISTINCT FROM NEW.from_place "
                                "OR OLD.moved_out_id IS DISTINCT FROM NEW.moved_out_id)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="fe9219f3d813d44effe7256099d9351a4957511b",
                            operation="UPDATE",
                            pgid="pgtrigger_brought_in_only_moves_on_14d7a",
                            table="contributions_broughtin",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="brought_in_is_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="aa21b21912c6b208d4298411bfff2b0658b9a662",
                            operation="DELETE",
                            pgid="pgtrigger_brought_in_is_kept_4d69c",
                            table="contributions_broughtin",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MovedOutPeriod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.person", verbose_name="参保人"),
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
                ("start", portal.columns.MonthField(verbose_name="起始月份")),
                ("until", portal.columns.MonthField(verbose_name="终止月份（不含）")),
                ("live", models.BooleanField(default=True, verbose_name="有效")),
                (
                    "moved_out",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="periods", to="contributions.movedout", verbose_name="转出记录"
                    ),
                ),
            ],
            options={
                "verbose_name": "转出月份",
                "verbose_name_plural": "转出月份",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("start__isnull", True), ("start__day", 1), _connector="OR"), name="moved_out_period_start_is_month"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("until__isnull", True), ("until__day", 1), _connector="OR"), name="moved_out_period_until_is_month"
                    ),
                    models.CheckConstraint(condition=models.Q(("until__gt", models.F("start"))), name="moved_out_period_months_in_order"),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("live", True)),
                        expressions=[(models.F("person"), "="), (models.F("insurance"), "="), (enrollment.models.Months(), "&&")],
                        name="moved_out_period_counts_a_month_once",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="moved_out_periods_are_only_taken_back",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.person_id IS DISTINCT FROM NEW.person_id "
                                "OR OLD.insurance IS DISTINCT FROM NEW.insurance OR OLD.start IS DISTINCT FROM NEW.start "
                                "OR OLD.until IS DISTINCT FROM NEW.until "
                                "OR OLD.moved_out_id IS DISTINCT FROM NEW.moved_out_id OR NOT OLD.live)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="b5f3df3c368c543530cc7811b16f217893866866",
                            operation="UPDATE",
                            pgid="pgtrigger_moved_out_periods_are_only_taken_back_e37c2",
                            table="contributions_movedoutperiod",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="moved_out_periods_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="8f6cd0b1397a21ad15554192b2170cea66f5c9df",
                            operation="DELETE",
                            pgid="pgtrigger_moved_out_periods_are_kept_35adc",
                            table="contributions_movedoutperiod",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DaySheetLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sheet", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="contributions.daysheet")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="day_lines", to="contributions.ledgeraccount", verbose_name="科目"
                    ),
                ),
                ("opening_fen", models.BigIntegerField(verbose_name="期初（分）")),
                ("debit_fen", models.BigIntegerField(verbose_name="借方（分）")),
                ("credit_fen", models.BigIntegerField(verbose_name="贷方（分）")),
                ("closing_fen", models.BigIntegerField(verbose_name="期末（分）")),
            ],
            options={
                "verbose_name": "日终科目余额",
                "verbose_name_plural": "日终科目余额",
                "constraints": [
                    models.UniqueConstraint(fields=("sheet", "account"), name="an_account_once_on_a_sheet"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "closing_fen",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(models.F("opening_fen"), "+", models.F("debit_fen")),
                                    "-",
                                    models.F("credit_fen"),
                                ),
                            ),
                            ("credit_fen__gte", 0),
                            ("debit_fen__gte", 0),
                        ),
                        name="day_line_adds_up",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="day_lines_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="70a09f1fc958af7dc0a09d9f0512522188f3fe9e",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_day_lines_are_kept_92104",
                            table="contributions_daysheetline",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DayComparison",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "sheet",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="comparisons", to="contributions.daysheet"),
                ),
                ("channel", models.CharField(blank=True, max_length=30, verbose_name="收款渠道")),
                ("booked_fen", models.BigIntegerField(verbose_name="账面（分）")),
                ("said_fen", models.BigIntegerField(verbose_name="对方（分）")),
            ],
            options={
                "verbose_name": "日终核对",
                "verbose_name_plural": "日终核对",
                "constraints": [models.UniqueConstraint(fields=("sheet", "channel"), name="a_channel_once_on_a_sheet")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="day_comparisons_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="7212280d19f0c30631c1ce06574286c46520f26e",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_day_comparisons_are_kept_a13c8",
                            table="contributions_daycomparison",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MonthCloseLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("close", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="contributions.monthclose")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="month_lines", to="contributions.ledgeraccount", verbose_name="科目"
                    ),
                ),
                ("opening_fen", models.BigIntegerField(verbose_name="期初（分）")),
                ("debit_fen", models.BigIntegerField(verbose_name="借方（分）")),
                ("credit_fen", models.BigIntegerField(verbose_name="贷方（分）")),
                ("closing_fen", models.BigIntegerField(verbose_name="期末（分）")),
            ],
            options={
                "verbose_name": "月结科目余额",
                "verbose_name_plural": "月结科目余额",
                "constraints": [
                    models.UniqueConstraint(fields=("close", "account"), name="an_account_once_in_a_close"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "closing_fen",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(models.F("opening_fen"), "+", models.F("debit_fen")),
                                    "-",
                                    models.F("credit_fen"),
                                ),
                            ),
                            ("credit_fen__gte", 0),
                            ("debit_fen__gte", 0),
                        ),
                        name="month_line_adds_up",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="month_lines_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="7376ecc609b4168ef3701a9972b59b6e7a03f165",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_month_lines_are_kept_41274",
                            table="contributions_monthcloseline",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("order", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="events", to="contributions.order", verbose_name="订单")),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="操作人")),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "待支付"), ("paid", "缴费成功"), ("cancelled", "已取消"), ("expired", "已过期"), ("reversed", "已冲正")],
                        max_length=10,
                        verbose_name="到达状态",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="说明")),
            ],
            options={
                "verbose_name": "订单经过",
                "verbose_name_plural": "订单经过",
                "ordering": ("at", "id"),
                "constraints": [models.UniqueConstraint(fields=("order", "status"), name="an_order_reaches_a_status_once")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="order_events_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="91160a551183c95866ac66fc0bf43069e9e2671e",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_order_events_are_kept_3d5bd",
                            table="contributions_orderevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=32, unique=True, verbose_name="支付号")),
                (
                    "order",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="payments", to="contributions.order", verbose_name="订单"),
                ),
                ("channel", models.CharField(max_length=30, verbose_name="渠道")),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "待银行营业时间发起"),
                            ("started", "支付中"),
                            ("unknown", "结果待确认"),
                            ("succeeded", "支付成功"),
                            ("failed", "支付失败"),
                            ("closed", "已关闭"),
                            ("held", "金额不符，已暂存"),
                            ("reversed", "已冲正"),
                        ],
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("live", models.BooleanField(default=True)),
                ("credited", models.BooleanField(default=False, verbose_name="已入账")),
                ("begun_at", models.DateTimeField(verbose_name="发起时间")),
                (
                    "begun_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="payments", to=settings.AUTH_USER_MODEL, verbose_name="发起人"),
                ),
                ("start_at", models.DateTimeField(blank=True, null=True, verbose_name="自动发起时间")),
                ("payer", models.JSONField(blank=True, default=dict)),
                ("payer_account", models.CharField(blank=True, max_length=40, verbose_name="付款账户")),
                ("redirect_url", models.TextField(blank=True)),
                ("qr_text", models.TextField(blank=True)),
                ("needs_code", models.BooleanField(default=False)),
                ("ask_at", models.DateTimeField(blank=True, null=True, verbose_name="下次查询")),
                ("asked", models.PositiveIntegerField(default=0, verbose_name="查询次数")),
                ("provider_number", models.CharField(blank=True, max_length=64, verbose_name="渠道流水号")),
                ("received_fen", models.BigIntegerField(blank=True, null=True, verbose_name="到账金额（分）")),
                (
                    "entry",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payment",
                        to="contributions.entry",
                        verbose_name="分录",
                    ),
                ),
                ("why", models.CharField(blank=True, max_length=200, verbose_name="说明")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="完结时间")),
            ],
            options={
                "verbose_name": "支付",
                "verbose_name_plural": "支付",
                "indexes": [
                    models.Index(condition=models.Q(("live", True)), fields=["ask_at"], name="payment_to_ask"),
                    models.Index(condition=models.Q(("status", "queued")), fields=["start_at"], name="payment_to_start"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["queued", "started", "unknown", "succeeded", "failed", "closed", "held", "reversed"])),
                        name="payment_status_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="payment_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("live", True), ("status__in", ["queued", "started", "unknown"])),
                            models.Q(("live", False), models.Q(("status__in", ["queued", "started", "unknown"]), _negated=True)),
                            _connector="OR",
                        ),
                        name="payment_live_while_under_way",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("status", "queued"), _negated=True), ("start_at__isnull", False), _connector="OR"),
                        name="payment_queued_until_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("entry__isnull", False),
                                ("received_fen__isnull", False),
                                ("status__in", ["succeeded", "held", "reversed"]),
                                models.Q(("provider_number", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("status__in", ["succeeded", "held", "reversed"]), _negated=True),
                                ("entry__isnull", True),
                                ("received_fen__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="payment_booked_where_money_came",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("credited", False), ("status__in", ["succeeded", "reversed"]), _connector="OR"),
                        name="payment_credited_only_by_success",
                    ),
                    models.UniqueConstraint(condition=models.Q(("live", True)), fields=("order",), name="one_payment_under_way_per_order"),
                    models.UniqueConstraint(condition=models.Q(("credited", True)), fields=("order",), name="an_order_is_paid_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("provider_number", ""), _negated=True),
                        fields=("channel", "provider_number"),
                        name="a_providers_number_is_one_payment",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="payments_stay_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.number IS DISTINCT FROM NEW.number "
                                "OR OLD.order_id IS DISTINCT FROM NEW.order_id OR OLD.channel IS DISTINCT FROM NEW.channel "
                                "OR OLD.amount_fen IS DISTINCT FROM NEW.amount_fen "
                                "OR OLD.begun_at IS DISTINCT FROM NEW.begun_at "
                                "OR OLD.begun_by_id IS DISTINCT FROM NEW.begun_by_id "
                                "OR (OLD.entry_id IS NOT NULL AND (OLD.entry_id IS DISTINCT FROM NEW.entry_id "
                                "OR OLD.provider_number IS DISTINCT FROM NEW.provider_number "
                                "OR OLD.received_fen IS DISTINCT FROM NEW.received_fen "
                                "OR OLD.credited IS DISTINCT FROM NEW.credited)) "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('queued', 'started'), ('queued', 'closed'), ('started', 'unknown'), ('started', 'succeeded'), ('started', 'failed'), ('started', 'closed'), ('started', 'held'), ('unknown', 'started'), ('unknown', 'succeeded'), ('unknown', 'failed'), ('unknown', 'closed'), ('unknown', 'held'), ('failed', 'succeeded'), ('failed', 'held'), ('closed', 'succeeded'), ('closed', 'held'), ('succeeded', 'reversed'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="ccaa5e0852541f802ce4cda7cc80235bfb69751b",
                            operation="UPDATE",
                            pgid="pgtrigger_payments_stay_frozen_49abc",
                            table="contributions_payment",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="payments_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="b7dcbd8d91c954a3a42c65a793b97904e6dcc6cb",
                            operation="DELETE",
                            pgid="pgtrigger_payments_are_kept_5b3b1",
                            table="contributions_payment",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DayRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "file",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="rows", to="contributions.dayfile", verbose_name="对账文件"),
                ),
                ("deed", models.CharField(choices=[("payment", "收款"), ("reversal", "冲正"), ("request", "申请退回")], max_length=8, verbose_name="业务")),
                ("provider_number", models.CharField(max_length=40, verbose_name="渠道流水号")),
                ("order_number", models.CharField(max_length=40, verbose_name="订单号")),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
            ],
            options={
                "verbose_name": "对账明细",
                "verbose_name_plural": "对账明细",
                "indexes": [models.Index(fields=["provider_number", "deed"], name="day_row_by_number")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("deed__in", ["payment", "reversal"])), name="day_row_deed_known"),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="day_row_amount_positive"),
                    models.UniqueConstraint(fields=("file", "deed", "provider_number"), name="a_deed_once_in_a_days_file"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="day_rows_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="56df0bc5f66d545973462fe50caea8580ca3f6be",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_day_rows_are_kept_7185b",
                            table="contributions_dayrow",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BankInquiry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="inquiries", to="contributions.debitbatch", verbose_name="托收批次"
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="操作人")),
                ("line_count", models.PositiveIntegerField(verbose_name="未返回笔数")),
                ("note", models.CharField(max_length=200, verbose_name="询问方式")),
            ],
            options={
                "verbose_name": "向银行询问",
                "verbose_name_plural": "向银行询问",
                "ordering": ("at", "id"),
                "constraints": [models.CheckConstraint(condition=models.Q(("note", ""), _negated=True), name="inquiry_says_how")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="inquiries_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="34f1791ac018b66c316dcdb7d8f651d889c740b7",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_inquiries_are_kept_43b6a",
                            table="contributions_bankinquiry",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Suspension",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "coverage",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="suspensions",
                        to="enrollment.coverage",
                        verbose_name="参保关系",
                    ),
                ),
                ("start", portal.columns.MonthField(verbose_name="暂停月份")),
                ("until", portal.columns.MonthField(blank=True, null=True, verbose_name="恢复月份")),
                ("why", models.CharField(max_length=200, verbose_name="原因")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="suspensions", to="contributions.debitbatch", verbose_name="托收批次"
                    ),
                ),
                ("suspended_at", models.DateTimeField(verbose_name="暂停时间")),
                ("resumed_at", models.DateTimeField(blank=True, null=True, verbose_name="恢复时间")),
            ],
            options={
                "verbose_name": "暂停缴费",
                "verbose_name_plural": "暂停缴费",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("start__isnull", True), ("start__day", 1), _connector="OR"), name="suspension_start_is_month"),
                    models.CheckConstraint(condition=models.Q(("until__isnull", True), ("until__day", 1), _connector="OR"), name="suspension_until_is_month"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("resumed_at__isnull", True), ("until__isnull", True)),
                            models.Q(("resumed_at__isnull", False), ("until__gte", models.F("start"))),
                            _connector="OR",
                        ),
                        name="suspension_ends_with_its_time",
                    ),
                    models.CheckConstraint(condition=models.Q(("why", ""), _negated=True), name="suspension_has_a_reason"),
                    models.UniqueConstraint(condition=models.Q(("until__isnull", True)), fields=("coverage",), name="one_suspension_at_a_time"),
                    models.UniqueConstraint(fields=("coverage", "start"), name="a_suspension_starts_once"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="suspensions_only_end",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.coverage_id IS DISTINCT FROM NEW.coverage_id "
                                "OR OLD.start IS DISTINCT FROM NEW.start OR OLD.why IS DISTINCT FROM NEW.why "
                                "OR OLD.batch_id IS DISTINCT FROM NEW.batch_id "
                                "OR OLD.suspended_at IS DISTINCT FROM NEW.suspended_at OR OLD.until IS NOT NULL)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="111f8c8972438bc91011051023b1a397e55d35f6",
                            operation="UPDATE",
                            pgid="pgtrigger_suspensions_only_end_4189a",
                            table="contributions_suspension",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="suspensions_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="5ff137c83c02b84a021ef105c3a4b13342f462a5",
                            operation="DELETE",
                            pgid="pgtrigger_suspensions_are_kept_46a0a",
                            table="contributions_suspension",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ArrearsLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "bill",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="contributions.arrearsbill", verbose_name="补缴单"),
                ),
                (
                    "charge",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="arrears_lines",
                        to="contributions.charge",
                        verbose_name="应缴",
                    ),
                ),
                (
                    "surcharge",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="arrears_line",
                        to="contributions.surcharge",
                        verbose_name="滞纳金",
                    ),
                ),
                ("live", models.BooleanField(default=True)),
            ],
            options={
                "verbose_name": "补缴单明细",
                "verbose_name_plural": "补缴单明细",
                "constraints": [
                    models.UniqueConstraint(fields=("bill", "charge"), name="a_charge_once_in_a_bill"),
                    models.UniqueConstraint(condition=models.Q(("live", True)), fields=("charge",), name="a_charge_is_in_one_live_bill"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="arrears_lines_only_fall_away",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.bill_id IS DISTINCT FROM NEW.bill_id "
                                "OR OLD.charge_id IS DISTINCT FROM NEW.charge_id "
                                "OR OLD.surcharge_id IS DISTINCT FROM NEW.surcharge_id OR (NEW.live AND NOT OLD.live))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="aa51ac94924121c59648157f04c5d24a42a3fe83",
                            operation="UPDATE",
                            pgid="pgtrigger_arrears_lines_only_fall_away_813f0",
                            table="contributions_arrearsline",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="arrears_lines_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="7633e5c4dd4df2107b72f0d6692a07195093c835",
                            operation="DELETE",
                            pgid="pgtrigger_arrears_lines_are_kept_8c0f7",
                            table="contributions_arrearsline",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DebitLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="contributions.debitbatch", verbose_name="批次"
                    ),
                ),
                ("sequence", models.PositiveIntegerField(verbose_name="序号")),
                (
                    "charge",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="debit_lines",
                        to="contributions.charge",
                        verbose_name="应缴",
                    ),
                ),
                (
                    "assessment",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="debit_lines",
                        to="contributions.assessment",
                        verbose_name="单位核定单",
                    ),
                ),
                ("left_out", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, null=True, size=None)),
                (
                    "surcharge",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="debit_lines",
                        to="contributions.surcharge",
                        verbose_name="利息或滞纳金",
                    ),
                ),
                ("account_number", models.CharField(max_length=32, verbose_name="账号")),
                ("holder", models.CharField(max_length=60, verbose_name="户名")),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "待银行处理"), ("paid", "扣款成功"), ("failed", "扣款失败"), ("missing", "银行未返回")],
                        default=contributions.models.debit.LineStatus["PENDING"],
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("drawing", models.BooleanField(default=True)),
                (
                    "reason_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("balance", "余额不足"),
                            ("frozen", "账户冻结"),
                            ("closed", "账户已销户"),
                            ("holder", "账号户名不符"),
                            ("unknown", "账号不存在"),
                            ("agreement", "未签订代扣协议"),
                            ("other", "银行未说明原因"),
                        ],
                        max_length=12,
                        verbose_name="失败原因",
                    ),
                ),
                ("bank_reference", models.CharField(blank=True, max_length=40, verbose_name="银行流水号")),
            ],
            options={
                "verbose_name": "托收明细",
                "verbose_name_plural": "托收明细",
                "indexes": [models.Index(condition=models.Q(("assessment__isnull", False)), fields=["assessment"], name="line_of_an_assessment")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("status__in", ["pending", "paid", "failed", "missing"])), name="line_status_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("drawing", True), ("status__in", ["pending", "paid", "missing"])),
                            models.Q(("drawing", False), ("status", "failed")),
                            _connector="OR",
                        ),
                        name="line_drawing_unless_failed",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="line_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("assessment__isnull", True), ("charge__isnull", False), ("left_out__isnull", True)),
                            models.Q(("assessment__isnull", False), ("charge__isnull", True), ("surcharge__isnull", True)),
                            _connector="OR",
                        ),
                        name="line_is_a_charge_or_an_assessment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason_code__in", ["balance", "frozen", "closed", "holder", "unknown", "agreement", "other"]), ("status", "failed")),
                            models.Q(models.Q(("status", "failed"), _negated=True), ("reason_code", "")),
                            _connector="OR",
                        ),
                        name="line_failed_with_reason",
                    ),
                    models.UniqueConstraint(fields=("batch", "sequence"), name="one_line_per_sequence"),
                    models.UniqueConstraint(fields=("charge", "batch"), name="a_charge_once_in_a_batch"),
                    models.UniqueConstraint(condition=models.Q(("drawing", True)), fields=("charge",), name="a_charge_is_drawn_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("assessment__isnull", False), ("drawing", True)), fields=("assessment",), name="an_assessment_is_drawn_once"
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="lines_only_change_result",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.batch_id IS DISTINCT FROM NEW.batch_id "
                                "OR OLD.sequence IS DISTINCT FROM NEW.sequence "
                                "OR OLD.charge_id IS DISTINCT FROM NEW.charge_id "
                                "OR OLD.assessment_id IS DISTINCT FROM NEW.assessment_id "
                                "OR OLD.left_out IS DISTINCT FROM NEW.left_out "
                                "OR OLD.surcharge_id IS DISTINCT FROM NEW.surcharge_id "
                                "OR OLD.account_number IS DISTINCT FROM NEW.account_number "
                                "OR OLD.holder IS DISTINCT FROM NEW.holder "
                                "OR OLD.amount_fen IS DISTINCT FROM NEW.amount_fen "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('pending', 'paid'), ('pending', 'failed'), ('pending', 'missing'), ('missing', 'paid'), ('missing', 'failed'))) "
                                "OR (OLD.status = NEW.status AND (OLD.reason_code IS DISTINCT FROM NEW.reason_code "
                                "OR OLD.bank_reference IS DISTINCT FROM NEW.bank_reference)))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="6aa0402087fdff2de66117c6b77ccda9433de3b1",
                            operation="UPDATE",
                            pgid="pgtrigger_lines_only_change_result_26a68",
                            table="contributions_debitline",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="lines_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="9d77c5dbb4404cd3dc871497bb78a991297b2bbd",
                            operation="DELETE",
                            pgid="pgtrigger_lines_are_kept_60752",
                            table="contributions_debitline",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountInterest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "movement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="interest", to="contributions.accountmovement", verbose_name="变动"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="interests",
                        to="contributions.interestrun",
                        verbose_name="结息",
                    ),
                ),
                ("year", models.PositiveSmallIntegerField(verbose_name="计息年度")),
                ("until", portal.columns.MonthField(blank=True, null=True, verbose_name="计息至（不含）")),
                ("opening_fen", models.BigIntegerField(verbose_name="年初余额（分）")),
                ("moved_fen", models.BigIntegerField(verbose_name="当年变动（分）")),
                ("product", models.DecimalField(decimal_places=4, max_digits=20, verbose_name="月积数（分·月）")),
                ("rate", models.DecimalField(decimal_places=6, max_digits=7, verbose_name="记账利率")),
                ("policy", models.CharField(max_length=80, verbose_name="政策参数")),
                ("policy_since", models.DateField(verbose_name="参数起始日")),
                ("interest_fen", models.BigIntegerField(verbose_name="当年利息（分）")),
                ("cut", models.BooleanField(default=False, editable=False, verbose_name="少计一分")),
                ("adjustment_fen", models.BigIntegerField(verbose_name="以前年度调整（分）")),
            ],
            options={
                "verbose_name": "个人账户利息",
                "verbose_name_plural": "个人账户利息",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("until__isnull", True), ("until__day", 1), _connector="OR"), name="account_interest_until_is_month"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("run__isnull", False), ("until__isnull", True)),
                            models.Q(("run__isnull", True), ("until__isnull", False)),
                            _connector="OR",
                        ),
                        name="account_interest_by_a_run_or_at_leaving",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="account_interest_is_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="45bbed0493d7c7925b3ec2d8a93056b7d61491aa",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_account_interest_is_kept_21189",
                            table="contributions_accountinterest",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BroughtInPeriod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.person", verbose_name="参保人"),
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
                ("start", portal.columns.MonthField(verbose_name="起始月份")),
                ("until", portal.columns.MonthField(verbose_name="终止月份（不含）")),
                ("live", models.BooleanField(default=True, verbose_name="有效")),
                (
                    "brought_in",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="periods", to="contributions.broughtin", verbose_name="转入记录"
                    ),
                ),
            ],
            options={
                "verbose_name": "转入月份",
                "verbose_name_plural": "转入月份",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("start__isnull", True), ("start__day", 1), _connector="OR"), name="brought_in_period_start_is_month"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("until__isnull", True), ("until__day", 1), _connector="OR"), name="brought_in_period_until_is_month"
                    ),
                    models.CheckConstraint(condition=models.Q(("until__gt", models.F("start"))), name="brought_in_period_months_in_order"),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("live", True)),
                        expressions=[(models.F("person"), "="), (models.F("insurance"), "="), (enrollment.models.Months(), "&&")],
                        name="brought_in_period_counts_a_month_once",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="brought_in_periods_only_move_on",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.person_id IS DISTINCT FROM NEW.person_id "
                                "OR OLD.insurance IS DISTINCT FROM NEW.insurance OR OLD.start IS DISTINCT FROM NEW.start "
                                "OR OLD.until IS DISTINCT FROM NEW.until "
                                "OR OLD.brought_in_id IS DISTINCT FROM NEW.brought_in_id)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="873f5252a9321e8a10601ae1a7aa3a49f5bb0813",
                            operation="UPDATE",
                            pgid="pgtrigger_brought_in_periods_only_move_on_614e9",
                            table="contributions_broughtinperiod",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="brought_in_periods_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="f573901b51b50a9b765164db1acbce4addbe1256",
                            operation="DELETE",
                            pgid="pgtrigger_brought_in_periods_are_kept_61319",
                            table="contributions_broughtinperiod",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="a_paid_month_is_not_brought_in",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (NEW."live")',
                            func="""
                    IF EXISTS (
                        SELECT 1 FROM contributions_charge charge
                        WHERE charge.person_id = NEW.person_id AND charge.insurance = NEW.insurance
                          AND charge.month >= NEW.start AND charge.month < NEW.until
                          AND charge.live AND charge.status = 'paid'
                          AND NOT EXISTS (
                              SELECT 1 FROM contributions_movedoutperiod gone
                              WHERE gone.person_id = charge.person_id AND gone.insurance = charge.insurance
                                AND gone.live AND gone.start <= charge.month AND charge.month < gone.until
                          )
                    ) THEN
                        RAISE EXCEPTION 'a month from % until % is paid here and counts already', NEW.start, NEW.until
                            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'a_paid_month_is_not_brought_in';
                    END IF;
                    RETURN NEW;
                """,
                            hash="feddfeb445142277255a838c49077a61242b705e",
                            operation="INSERT OR UPDATE",
                            pgid="pgtrigger_a_paid_month_is_not_brought_in_8ba9c",
                            table="contributions_broughtinperiod",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("order", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="contributions.order", verbose_name="订单")),
                (
                    "charge",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="order_lines", to="contributions.charge", verbose_name="应缴"
                    ),
                ),
                (
                    "surcharge",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="order_lines",
                        to="contributions.surcharge",
                        verbose_name="利息或滞纳金",
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
                ("live", models.BooleanField(default=True)),
                ("made", models.BooleanField(default=False, verbose_name="随订单生成")),
                (
                    "replaced",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_in",
                        to="contributions.charge",
                        verbose_name="原应缴",
                    ),
                ),
                ("former_tier", models.CharField(blank=True, max_length=20, verbose_name="原缴费档次")),
            ],
            options={
                "verbose_name": "订单明细",
                "verbose_name_plural": "订单明细",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="order_line_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("made", True), models.Q(("former_tier", ""), ("replaced__isnull", True)), _connector="OR"),
                        name="order_line_replaces_only_by_a_new_charge",
                    ),
                    models.UniqueConstraint(fields=("order", "charge"), name="a_charge_once_in_an_order"),
                    models.UniqueConstraint(condition=models.Q(("live", True)), fields=("charge",), name="a_charge_is_in_one_live_order"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="order_lines_only_fall_away",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.order_id IS DISTINCT FROM NEW.order_id "
                                "OR OLD.charge_id IS DISTINCT FROM NEW.charge_id "
                                "OR OLD.surcharge_id IS DISTINCT FROM NEW.surcharge_id "
                                "OR OLD.amount_fen IS DISTINCT FROM NEW.amount_fen OR OLD.made IS DISTINCT FROM NEW.made "
                                "OR OLD.replaced_id IS DISTINCT FROM NEW.replaced_id "
                                "OR OLD.former_tier IS DISTINCT FROM NEW.former_tier OR (NEW.live AND NOT OLD.live))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="dd0d9c7c2727e80e47920f28f014f9783acd6267",
                            operation="UPDATE",
                            pgid="pgtrigger_order_lines_only_fall_away_f9f67",
                            table="contributions_orderline",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="order_lines_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="81decb1856772335e8cf99710071d3f6ee61fe0b",
                            operation="DELETE",
                            pgid="pgtrigger_order_lines_are_kept_6dd97",
                            table="contributions_orderline",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "payment",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="events", to="contributions.payment", verbose_name="支付"),
                ),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="操作人")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "待银行营业时间发起"),
                            ("started", "支付中"),
                            ("unknown", "结果待确认"),
                            ("succeeded", "支付成功"),
                            ("failed", "支付失败"),
                            ("closed", "已关闭"),
                            ("held", "金额不符，已暂存"),
                            ("reversed", "已冲正"),
                        ],
                        max_length=10,
                        verbose_name="到达状态",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="说明")),
            ],
            options={
                "verbose_name": "支付经过",
                "verbose_name_plural": "支付经过",
                "ordering": ("at", "id"),
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="payment_events_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="f3f89f41532ed0e83f5f59e474de51e32d867bde",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_payment_events_are_kept_85340",
                            table="contributions_paymentevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=30, verbose_name="渠道")),
                ("received_at", models.DateTimeField(verbose_name="收到时间")),
                ("digest", models.CharField(max_length=64, verbose_name="报文摘要")),
                ("size", models.PositiveIntegerField(verbose_name="字节数")),
                (
                    "verdict",
                    models.CharField(
                        choices=[("applied", "已处理"), ("forged", "验签不通过，未采用"), ("strange", "没有这笔支付")], max_length=8, verbose_name="处理"
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="contributions.payment",
                        verbose_name="支付",
                    ),
                ),
                ("said", models.CharField(blank=True, max_length=200, verbose_name="渠道所述")),
            ],
            options={
                "verbose_name": "支付通知",
                "verbose_name_plural": "支付通知",
                "indexes": [models.Index(fields=["-received_at"], name="notice_by_time")],
                "constraints": [models.CheckConstraint(condition=models.Q(("verdict__in", ["applied", "forged", "strange"])), name="notice_verdict_known")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="notices_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="d9194017ec345a8bec6a57c5060bd740c7194f71",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_notices_are_kept_34d2a",
                            table="contributions_paymentnotice",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reversal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "payment",
                    models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="reversal", to="contributions.payment", verbose_name="支付"),
                ),
                ("channel", models.CharField(max_length=30, verbose_name="渠道")),
                ("provider_number", models.CharField(max_length=40, verbose_name="渠道冲正流水号")),
                ("reason", models.CharField(max_length=80, verbose_name="冲正原因")),
                ("business_day", models.DateField(verbose_name="对账日")),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="操作人")),
            ],
            options={
                "verbose_name": "冲正",
                "verbose_name_plural": "冲正",
                "indexes": [models.Index(fields=["channel", "business_day"], name="reversal_by_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("provider_number", ""), _negated=True), models.Q(("reason", ""), _negated=True)),
                        name="reversal_names_number_and_reason",
                    ),
                    models.UniqueConstraint(fields=("channel", "provider_number"), name="a_providers_number_is_one_reversal"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="reversals_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="140d9e7744b5a84abdd06d84ef70f657c1bec4ce",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_reversals_are_kept_18ec6",
                            table="contributions_reversal",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=32, unique=True, verbose_name="退款号")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
                ("way", models.CharField(choices=[("channel", "原支付渠道退回"), ("bank", "银行转账退回")], max_length=7, verbose_name="退回方式")),
                ("channel", models.CharField(max_length=30, verbose_name="渠道")),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="contributions.payment",
                        verbose_name="支付",
                    ),
                ),
                ("account_number", models.CharField(blank=True, max_length=40, verbose_name="收款账号")),
                ("holder", models.CharField(blank=True, max_length=60, verbose_name="户名")),
                ("reason", models.CharField(max_length=80, verbose_name="退回原因")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("drafted", "待复核"),
                            ("refused", "复核未通过"),
                            ("approved", "已复核，待退回"),
                            ("sent", "已提交渠道，等待结果"),
                            ("succeeded", "已退回"),
                            ("failed", "退回失败"),
                        ],
                        default=contributions.models.refunds.RefundStatus["DRAFTED"],
                        max_length=9,
                        verbose_name="状态",
                    ),
                ),
                ("key", models.UUIDField(unique=True)),
                ("drafted_at", models.DateTimeField(verbose_name="经办时间")),
                (
                    "drafted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="drafted_refunds", to=settings.AUTH_USER_MODEL, verbose_name="经办人"
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="复核时间")),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decided_refunds",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="复核人",
                    ),
                ),
                ("ask_at", models.DateTimeField(blank=True, null=True, verbose_name="下次查询")),
                ("asked", models.PositiveIntegerField(default=0, verbose_name="查询次数")),
                ("provider_number", models.CharField(blank=True, max_length=64, verbose_name="渠道或银行流水号")),
                (
                    "entry",
                    models.OneToOneField(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="refund", to="contributions.entry", verbose_name="分录"
                    ),
                ),
                ("why", models.CharField(blank=True, max_length=200, verbose_name="说明")),
                ("bounced_why", models.CharField(blank=True, max_length=200, verbose_name="银行退票的原因")),
                ("bounced_at", models.DateTimeField(blank=True, null=True, verbose_name="登记退票时间")),
                (
                    "bounced_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="登记退票人",
                    ),
                ),
                (
                    "failed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="退票复核人",
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="完结时间")),
            ],
            options={
                "verbose_name": "退款",
                "verbose_name_plural": "退款",
                "indexes": [models.Index(condition=models.Q(("status__in", ["approved", "sent"])), fields=["ask_at"], name="refund_to_ask")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["drafted", "refused", "approved", "sent", "succeeded", "failed"])), name="refund_status_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("way__in", ["channel", "bank"])), name="refund_way_known"),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="refund_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("payment__isnull", False), ("way", "channel")),
                            models.Q(
                                ("payment__isnull", True),
                                ("way", "bank"),
                                models.Q(("account_number", ""), _negated=True),
                                models.Q(("holder", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="refund_goes_where_it_came_from",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("status", "drafted")),
                            models.Q(models.Q(("status", "drafted"), _negated=True), ("decided_at__isnull", False), ("decided_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="refund_decided_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decided_by__isnull", True), models.Q(("decided_by", models.F("drafted_by")), _negated=True), _connector="OR"),
                        name="refund_decided_by_a_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("entry__isnull", False), ("status", "succeeded"), models.Q(("provider_number", ""), _negated=True)),
                            models.Q(models.Q(("status", "succeeded"), _negated=True), ("entry__isnull", True), ("provider_number", "")),
                            _connector="OR",
                        ),
                        name="refund_booked_where_it_succeeded",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["refused", "failed"]), _negated=True), models.Q(("why", ""), _negated=True), _connector="OR"
                        ),
                        name="refund_in_vain_with_reason",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("provider_number", ""), _negated=True),
                        fields=("channel", "provider_number"),
                        name="a_providers_number_is_one_refund",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="refunds_stay_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.number IS DISTINCT FROM NEW.number "
                                "OR OLD.city IS DISTINCT FROM NEW.city OR OLD.amount_fen IS DISTINCT FROM NEW.amount_fen "
                                "OR OLD.way IS DISTINCT FROM NEW.way OR OLD.channel IS DISTINCT FROM NEW.channel "
                                "OR OLD.payment_id IS DISTINCT FROM NEW.payment_id "
                                "OR OLD.account_number IS DISTINCT FROM NEW.account_number "
                                "OR OLD.holder IS DISTINCT FROM NEW.holder OR OLD.reason IS DISTINCT FROM NEW.reason "
                                "OR OLD.key IS DISTINCT FROM NEW.key OR OLD.drafted_at IS DISTINCT FROM NEW.drafted_at "
                                "OR OLD.drafted_by_id IS DISTINCT FROM NEW.drafted_by_id "
                                "OR (OLD.status <> 'drafted' AND (OLD.decided_at IS DISTINCT FROM NEW.decided_at "
                                "OR OLD.decided_by_id IS DISTINCT FROM NEW.decided_by_id)) "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('drafted', 'refused'), ('drafted', 'approved'), ('approved', 'sent'), ('approved', 'succeeded'), ('approved', 'failed'), ('sent', 'succeeded'), ('sent', 'failed'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="2efd3a3b5b0ed66dc28dce61eeabe04b7f8ad79d",
                            operation="UPDATE",
                            pgid="pgtrigger_refunds_stay_frozen_de940",
                            table="contributions_refund",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="a_transfer_fails_by_two",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (NEW.way = 'bank' AND NEW.status = 'failed' AND OLD.status <> 'failed' AND (NEW.bounced_by_id IS NULL "
                                "OR NEW.failed_by_id IS NULL OR NEW.failed_by_id = NEW.bounced_by_id "
                                "OR NEW.bounced_why = ''))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="aa2dc62956c81950612cfc66e9c0df449978215a",
                            operation="UPDATE",
                            pgid="pgtrigger_a_transfer_fails_by_two_bba6b",
                            table="contributions_refund",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="refunds_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="f8c65efcb5eb693221de87b20bdf0008f1944c5b",
                            operation="DELETE",
                            pgid="pgtrigger_refunds_are_kept_8340d",
                            table="contributions_refund",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="refunds_have_parts",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            constraint="CONSTRAINT",
                            func="""
                    IF NOT EXISTS (SELECT 1 FROM contributions_refundpart WHERE refund_id = NEW.id) THEN
                        RAISE EXCEPTION 'refund % has no parts', NEW.number USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
                            hash="c553879d8221218874839b4418a670b10a3c9547",
                            operation="INSERT",
                            pgid="pgtrigger_refunds_have_parts_424c8",
                            table="contributions_refund",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Settlement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="settlements", to="contributions.debitbatch", verbose_name="托收批次"
                    ),
                ),
                (
                    "way",
                    models.CharField(
                        choices=[
                            ("paid", "银行已扣款，按回单入账"),
                            ("failed", "银行确认未扣款，记为失败"),
                            ("no_answer", "结果文件不能采用，全部明细按银行未返回处理"),
                            ("first_stands", "以已采用的结果为准，后到的文件不采用"),
                        ],
                        max_length=12,
                        verbose_name="处理方式",
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlements",
                        to="contributions.bankfile",
                        verbose_name="结果文件",
                    ),
                ),
                ("evidence", models.CharField(max_length=200, verbose_name="银行答复依据")),
                ("line_count", models.PositiveIntegerField(verbose_name="笔数")),
                ("sum_fen", models.BigIntegerField(verbose_name="金额（分）")),
                (
                    "status",
                    models.CharField(
                        choices=[("drafted", "待复核"), ("refused", "复核未通过"), ("approved", "已复核，已生效")],
                        default=contributions.models.settlements.SettlementStatus["DRAFTED"],
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("key", models.UUIDField(unique=True)),
                ("drafted_at", models.DateTimeField(verbose_name="经办时间")),
                (
                    "drafted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="drafted_settlements", to=settings.AUTH_USER_MODEL, verbose_name="经办人"
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="复核时间")),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decided_settlements",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="复核人",
                    ),
                ),
                ("why", models.CharField(blank=True, max_length=200, verbose_name="说明")),
            ],
            options={
                "verbose_name": "托收疑点处理",
                "verbose_name_plural": "托收疑点处理",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("way__in", ["paid", "failed", "no_answer", "first_stands"])), name="settlement_way_known"),
                    models.CheckConstraint(condition=models.Q(("status__in", ["drafted", "refused", "approved"])), name="settlement_status_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("file__isnull", True), ("line_count__gt", 0), ("way__in", ["paid", "failed"])),
                            models.Q(models.Q(("way__in", ["paid", "failed"]), _negated=True), ("file__isnull", False)),
                            _connector="OR",
                        ),
                        name="settlement_is_of_lines_or_of_a_file",
                    ),
                    models.CheckConstraint(condition=models.Q(("evidence", ""), _negated=True), name="settlement_says_how_the_bank_answered"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("status", "drafted")),
                            models.Q(models.Q(("status", "drafted"), _negated=True), ("decided_at__isnull", False), ("decided_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="settlement_decided_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decided_by__isnull", True), models.Q(("decided_by", models.F("drafted_by")), _negated=True), _connector="OR"),
                        name="settlement_decided_by_a_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("status", "refused"), _negated=True), models.Q(("why", ""), _negated=True), _connector="OR"),
                        name="settlement_refused_with_reason",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("file__isnull", False), models.Q(("status", "refused"), _negated=True)),
                        fields=("file",),
                        name="a_file_is_settled_once",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="settlements_stay_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.batch_id IS DISTINCT FROM NEW.batch_id "
                                "OR OLD.way IS DISTINCT FROM NEW.way OR OLD.file_id IS DISTINCT FROM NEW.file_id "
                                "OR OLD.evidence IS DISTINCT FROM NEW.evidence "
                                "OR OLD.line_count IS DISTINCT FROM NEW.line_count "
                                "OR OLD.sum_fen IS DISTINCT FROM NEW.sum_fen OR OLD.key IS DISTINCT FROM NEW.key "
                                "OR OLD.drafted_at IS DISTINCT FROM NEW.drafted_at "
                                "OR OLD.drafted_by_id IS DISTINCT FROM NEW.drafted_by_id OR OLD.status <> 'drafted' "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('drafted', 'refused'), ('drafted', 'approved'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="30d832f67cd85a720d3b4437fe2094e52d631507",
                            operation="UPDATE",
                            pgid="pgtrigger_settlements_stay_frozen_2f5fc",
                            table="contributions_settlement",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="settlements_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="04b6635c615f7a9b4ef8f180dabe70e94993c24c",
                            operation="DELETE",
                            pgid="pgtrigger_settlements_are_kept_103e0",
                            table="contributions_settlement",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TopUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "order",
                    models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="top_up", to="contributions.order", verbose_name="订单"),
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
                        default=portal.shared.insurance.Insurance["MEDICAL"],
                        max_length=20,
                        verbose_name="险种",
                    ),
                ),
                ("bank", models.CharField(max_length=20, verbose_name="发卡银行")),
                ("card_number", models.CharField(max_length=32, verbose_name="社会保障卡卡号")),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
                (
                    "movement",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="top_up",
                        to="contributions.accountmovement",
                        verbose_name="个人账户变动",
                    ),
                ),
            ],
            options={
                "verbose_name": "个人账户充值",
                "verbose_name_plural": "个人账户充值",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("insurance", "medical")), name="top_up_is_for_medical_use"),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="top_up_amount_positive"),
                    models.CheckConstraint(condition=models.Q(("card_number__regex", "^[0-9]{8,32}$")), name="top_up_names_its_card"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="top_ups_are_credited_once",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.order_id IS DISTINCT FROM NEW.order_id "
                                "OR OLD.insurance IS DISTINCT FROM NEW.insurance OR OLD.bank IS DISTINCT FROM NEW.bank "
                                "OR OLD.card_number IS DISTINCT FROM NEW.card_number "
                                "OR OLD.amount_fen IS DISTINCT FROM NEW.amount_fen OR OLD.movement_id IS NOT NULL)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="9f1b232fe1c3bb5896dab108a930969dd0efc9e7",
                            operation="UPDATE",
                            pgid="pgtrigger_top_ups_are_credited_once_63235",
                            table="contributions_topup",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="top_ups_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="f9121b55871833993e33f2a4fb0235e4b4a5404e",
                            operation="DELETE",
                            pgid="pgtrigger_top_ups_are_kept_3727a",
                            table="contributions_topup",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=30, verbose_name="渠道")),
                ("provider_number", models.CharField(max_length=64, verbose_name="渠道流水号")),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
                (
                    "charge",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="receipts",
                        to="contributions.charge",
                        verbose_name="应缴",
                    ),
                ),
                (
                    "top_up",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="receipts",
                        to="contributions.topup",
                        verbose_name="个人账户充值",
                    ),
                ),
                (
                    "surcharge",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="receipts",
                        to="contributions.surcharge",
                        verbose_name="利息或滞纳金",
                    ),
                ),
                ("applied", models.BooleanField(verbose_name="已入账")),
                ("received_at", models.DateTimeField(verbose_name="到账时间")),
                ("account_fen", models.BigIntegerField(verbose_name="划入个人账户（分）")),
                (
                    "entry",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="receipts", to="contributions.entry", verbose_name="分录"),
                ),
                (
                    "debit_line",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="receipts",
                        to="contributions.debitline",
                        verbose_name="托收明细",
                    ),
                ),
            ],
            options={
                "verbose_name": "到账记录",
                "verbose_name_plural": "到账记录",
                "indexes": [
                    models.Index(condition=models.Q(("applied", False)), fields=["charge"], name="receipt_in_suspense"),
                    models.Index(condition=models.Q(("top_up__isnull", False)), fields=["top_up"], name="receipt_held_for_a_top_up"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="receipt_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("account_fen__gte", 0),
                            ("account_fen__lte", models.F("amount_fen")),
                            models.Q(("applied", True), ("account_fen", 0), _connector="OR"),
                        ),
                        name="receipt_account_part_of_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("channel", ""), _negated=True), models.Q(("provider_number", ""), _negated=True)),
                        name="receipt_names_its_source",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("charge__isnull", False), ("top_up__isnull", True)),
                            models.Q(("applied", False), ("charge__isnull", True), ("surcharge__isnull", True), ("top_up__isnull", False)),
                            _connector="OR",
                        ),
                        name="receipt_is_for_a_charge_or_held_for_a_top_up",
                    ),
                    models.UniqueConstraint(fields=("channel", "provider_number"), name="a_payment_is_received_once"),
                    models.UniqueConstraint(condition=models.Q(("applied", True)), fields=("charge",), name="a_charge_is_paid_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("applied", True), ("surcharge__isnull", False)), fields=("surcharge",), name="a_surcharge_is_paid_once"
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="receipts_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="f8d27be253c48370ccb15d7e39880a2aec6e0dbb",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_receipts_are_kept_b2ff8",
                            table="contributions_receipt",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RecollectRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
                (
                    "charge",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recollect_requests",
                        to="contributions.charge",
                        verbose_name="应缴",
                    ),
                ),
                (
                    "kind",
                    models.CharField(choices=[("recollect", "补托收"), ("arrears", "历史欠费补缴"), ("gap", "中断期补缴")], max_length=10, verbose_name="类别"),
                ),
                ("month", portal.columns.MonthField(verbose_name="托收月份")),
                (
                    "surcharge",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recollect_requests",
                        to="contributions.surcharge",
                        verbose_name="利息或滞纳金",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recollect_requests",
                        to="hall.case",
                        verbose_name="办件",
                    ),
                ),
                ("asked_at", models.DateTimeField(verbose_name="申请时间")),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="recollect_requests", to=settings.AUTH_USER_MODEL, verbose_name="申请人"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("waiting", "等待托收"), ("taken", "已列入托收批次"), ("dropped", "已取消")],
                        default=contributions.models.arrears.RequestStatus["WAITING"],
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("live", models.BooleanField(default=True)),
                (
                    "line",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recollect_request",
                        to="contributions.debitline",
                        verbose_name="托收明细",
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="完结时间")),
                ("why", models.CharField(blank=True, max_length=200, verbose_name="取消原因")),
            ],
            options={
                "verbose_name": "补托收申请",
                "verbose_name_plural": "补托收申请",
                "indexes": [
                    models.Index(condition=models.Q(("live", True)), fields=["city", "month"], name="recollect_request_waiting"),
                    models.Index(fields=["charge"], name="recollect_request_by_charge"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("kind__in", ["recollect", "arrears", "gap"])), name="recollect_request_kind_known"),
                    models.CheckConstraint(condition=models.Q(("status__in", ["waiting", "taken", "dropped"])), name="recollect_request_status_known"),
                    models.CheckConstraint(
                        condition=models.Q(("month__isnull", True), ("month__day", 1), _connector="OR"), name="recollect_request_month_is_month"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("live", True), ("status", "waiting")),
                            models.Q(("ended_at__isnull", False), ("live", False), ("status__in", ["taken", "dropped"])),
                            _connector="OR",
                        ),
                        name="recollect_request_live_while_waiting",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("line__isnull", False), ("status", "taken")),
                            models.Q(models.Q(("status", "taken"), _negated=True), ("line__isnull", True)),
                            _connector="OR",
                        ),
                        name="recollect_request_taken_into_a_line",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("status", "dropped"), _negated=True), models.Q(("why", ""), _negated=True), _connector="OR"),
                        name="recollect_request_dropped_with_reason",
                    ),
                    models.UniqueConstraint(condition=models.Q(("live", True)), fields=("charge",), name="one_live_recollect_request_per_charge"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="recollect_requests_stay_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.city IS DISTINCT FROM NEW.city "
                                "OR OLD.charge_id IS DISTINCT FROM NEW.charge_id OR OLD.kind IS DISTINCT FROM NEW.kind "
                                "OR OLD.month IS DISTINCT FROM NEW.month "
                                "OR OLD.surcharge_id IS DISTINCT FROM NEW.surcharge_id "
                                "OR OLD.case_id IS DISTINCT FROM NEW.case_id OR OLD.asked_at IS DISTINCT FROM NEW.asked_at "
                                "OR OLD.asked_by_id IS DISTINCT FROM NEW.asked_by_id OR OLD.status <> 'waiting' "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('waiting', 'taken'), ('waiting', 'dropped'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="15f23ff3d0d89d626fc325c2412e701905945296",
                            operation="UPDATE",
                            pgid="pgtrigger_recollect_requests_stay_frozen_08d1b",
                            table="contributions_recollectrequest",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="recollect_requests_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="51bf3fb068655ed4e4744a014989cf41a43ec3c3",
                            operation="DELETE",
                            pgid="pgtrigger_recollect_requests_are_kept_3ebf2",
                            table="contributions_recollectrequest",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Difference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="differences", to="partners.partner", verbose_name="接口合作方"
                    ),
                ),
                ("day", models.DateField(verbose_name="对账日")),
                ("deed", models.CharField(choices=[("payment", "收款"), ("reversal", "冲正"), ("request", "申请退回")], max_length=8, verbose_name="业务")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("only_ours", "大厅有，合作方没有"),
                            ("only_theirs", "合作方有，大厅没有"),
                            ("amount", "金额不符"),
                            ("order", "订单不符"),
                            ("late", "已过对账日，合作方要求撤销"),
                        ],
                        max_length=11,
                        verbose_name="差异",
                    ),
                ),
                ("provider_number", models.CharField(max_length=40, verbose_name="渠道流水号")),
                ("city", models.CharField(blank=True, max_length=30, verbose_name="城市")),
                ("order_number", models.CharField(blank=True, max_length=40, verbose_name="订单号")),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="contributions.order",
                        verbose_name="订单",
                    ),
                ),
                ("ours_fen", models.BigIntegerField(blank=True, null=True, verbose_name="大厅金额（分）")),
                ("theirs_fen", models.BigIntegerField(blank=True, null=True, verbose_name="合作方金额（分）")),
                ("asked_why", models.CharField(blank=True, max_length=80, verbose_name="申请原因")),
                ("found_at", models.DateTimeField(verbose_name="发现时间")),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "待处理"), ("proposed", "待复核"), ("settled", "已处理")],
                        default=contributions.models.partners.DifferenceStatus["OPEN"],
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                (
                    "way",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("book", "合作方已收款：按订单入账，订单已完结的转待退回"),
                            ("reverse", "合作方未收款或已退给缴费人：冲正"),
                            ("refund", "同意撤销缴费：各月恢复应缴，款项经合作方原路退回缴费人"),
                            ("mark", "不动账，注明原因"),
                        ],
                        max_length=7,
                        verbose_name="处理方式",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="依据")),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="经办人"
                    ),
                ),
                ("proposed_at", models.DateTimeField(blank=True, null=True, verbose_name="经办时间")),
                (
                    "settled_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="复核人"
                    ),
                ),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="处理时间")),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="contributions.payment",
                        verbose_name="支付",
                    ),
                ),
                (
                    "reversal",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="contributions.reversal",
                        verbose_name="冲正",
                    ),
                ),
            ],
            options={
                "verbose_name": "对账差异",
                "verbose_name_plural": "对账差异",
                "indexes": [models.Index(condition=models.Q(("status", "settled"), _negated=True), fields=["city", "day"], name="difference_to_settle")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("deed__in", ["payment", "reversal", "request"])), name="difference_deed_known"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["only_ours", "only_theirs", "amount", "order", "late"])), name="difference_kind_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("status__in", ["open", "proposed", "settled"])), name="difference_status_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("deed", "request"), ("kind", "late"), models.Q(("asked_why", ""), _negated=True)),
                            models.Q(models.Q(("deed", "request"), _negated=True), models.Q(("kind", "late"), _negated=True), ("asked_why", "")),
                            _connector="OR",
                        ),
                        name="difference_asked_for_with_reason",
                    ),
                    models.UniqueConstraint(fields=("partner", "day", "deed", "provider_number"), name="a_deed_differs_once_a_day"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("proposed_by__isnull", True), ("status", "open"), ("way", "")),
                            models.Q(
                                models.Q(("status", "open"), _negated=True),
                                models.Q(("way", ""), _negated=True),
                                models.Q(("reason", ""), _negated=True),
                                ("proposed_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="difference_proposed_with_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("settled_at__isnull", False), ("settled_by__isnull", False), ("status", "settled")),
                            models.Q(models.Q(("status", "settled"), _negated=True), ("settled_at__isnull", True), ("settled_by__isnull", True)),
                            _connector="OR",
                        ),
                        name="difference_settled_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "settled"), _negated=True),
                            models.Q(("payment__isnull", True), ("reversal__isnull", True), ("way", "mark")),
                            models.Q(("payment__isnull", False), ("way", "book"), models.Q(("settled_by", models.F("proposed_by")), _negated=True)),
                            models.Q(("reversal__isnull", False), ("way", "reverse"), models.Q(("settled_by", models.F("proposed_by")), _negated=True)),
                            models.Q(("payment__isnull", False), ("way", "refund"), models.Q(("settled_by", models.F("proposed_by")), _negated=True)),
                            _connector="OR",
                        ),
                        name="money_moves_by_a_second_person",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="differences_stay_as_found",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.partner_id IS DISTINCT FROM NEW.partner_id "
                                "OR OLD.day IS DISTINCT FROM NEW.day OR OLD.deed IS DISTINCT FROM NEW.deed "
                                "OR OLD.kind IS DISTINCT FROM NEW.kind "
                                "OR OLD.provider_number IS DISTINCT FROM NEW.provider_number "
                                "OR OLD.city IS DISTINCT FROM NEW.city "
                                "OR OLD.order_number IS DISTINCT FROM NEW.order_number "
                                "OR OLD.order_id IS DISTINCT FROM NEW.order_id "
                                "OR OLD.ours_fen IS DISTINCT FROM NEW.ours_fen "
                                "OR OLD.theirs_fen IS DISTINCT FROM NEW.theirs_fen "
                                "OR OLD.asked_why IS DISTINCT FROM NEW.asked_why "
                                "OR OLD.found_at IS DISTINCT FROM NEW.found_at OR OLD.status = 'settled' "
                                "OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('open', 'proposed'), ('open', 'settled'), ('proposed', 'open'), ('proposed', 'settled'))))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="0df9a9d09a8b26fa48c41db60aabf5647de4466d",
                            operation="UPDATE",
                            pgid="pgtrigger_differences_stay_as_found_05570",
                            table="contributions_difference",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="differences_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="1ba6b1ca18a10bcf6aa6d1b27ebbd5a78d3ba44a",
                            operation="DELETE",
                            pgid="pgtrigger_differences_are_kept_bb660",
                            table="contributions_difference",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefundEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "refund",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="events", to="contributions.refund", verbose_name="退款"),
                ),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="操作人")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("drafted", "待复核"),
                            ("refused", "复核未通过"),
                            ("approved", "已复核，待退回"),
                            ("sent", "已提交渠道，等待结果"),
                            ("succeeded", "已退回"),
                            ("failed", "退回失败"),
                        ],
                        max_length=9,
                        verbose_name="到达状态",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="说明")),
            ],
            options={
                "verbose_name": "退款经过",
                "verbose_name_plural": "退款经过",
                "ordering": ("at", "id"),
                "constraints": [models.UniqueConstraint(fields=("refund", "status"), name="a_refund_reaches_a_status_once")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="refund_events_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="3a1f388758e6e4a55636b0bc164bfcfcf524c91c",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_refund_events_are_kept_9ee8a",
                            table="contributions_refundevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SettledLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="contributions.settlement", verbose_name="托收疑点处理"
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settled_in",
                        to="contributions.debitline",
                        verbose_name="托收明细",
                    ),
                ),
                ("bank_number", models.CharField(blank=True, max_length=40, verbose_name="银行回单流水号")),
                ("live", models.BooleanField(default=True)),
            ],
            options={
                "verbose_name": "托收疑点处理明细",
                "verbose_name_plural": "托收疑点处理明细",
                "constraints": [
                    models.UniqueConstraint(condition=models.Q(("live", True)), fields=("line",), name="a_line_is_settled_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("live", True), models.Q(("bank_number", ""), _negated=True)),
                        fields=("bank_number",),
                        name="a_banks_number_proves_one_line",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="settled_lines_only_fall_away",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.id IS DISTINCT FROM NEW.id "
                                "OR OLD.settlement_id IS DISTINCT FROM NEW.settlement_id "
                                "OR OLD.line_id IS DISTINCT FROM NEW.line_id "
                                "OR OLD.bank_number IS DISTINCT FROM NEW.bank_number OR (NEW.live AND NOT OLD.live))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="ad122efab4b7d7c7f8c018ba089de6de6e9b1330",
                            operation="UPDATE",
                            pgid="pgtrigger_settled_lines_only_fall_away_fe602",
                            table="contributions_settledline",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="settled_lines_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="923d2d384894be6313dfd01f8e84c6b1a2ad3112",
                            operation="DELETE",
                            pgid="pgtrigger_settled_lines_are_kept_4979a",
                            table="contributions_settledline",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HeldReceipt",
            fields=[],
            options={
                "verbose_name": "待退回款项",
                "verbose_name_plural": "待退回款项",
                "proxy": True,
            },
            bases=("contributions.receipt",),
        ),
        migrations.CreateModel(
            name="RefundPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "refund",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="parts", to="contributions.refund", verbose_name="退款"
                    ),
                ),
                (
                    "receipt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="refund_parts", to="contributions.receipt", verbose_name="到账记录"
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
            ],
            options={
                "verbose_name": "退款明细",
                "verbose_name_plural": "退款明细",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="refund_part_amount_positive"),
                    models.UniqueConstraint(fields=("refund", "receipt"), name="a_receipt_is_in_a_refund_once"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="refund_parts_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="547ff5fcce88f3b8d8a5c98d864675ae5bbc27d5",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_refund_parts_are_kept_14928",
                            table="contributions_refundpart",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="no_more_is_refunded_than_received",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE wrong record;",
                            func="""
                    PERFORM contributions_hold_receipts(ARRAY(SELECT receipt_id FROM new_parts));
                    SELECT receipt.id, sum(part.amount_fen) AS given INTO wrong
                    FROM contributions_receipt receipt
                    JOIN contributions_refundpart part ON part.receipt_id = receipt.id
                    JOIN contributions_refund refund ON refund.id = part.refund_id AND refund.status NOT IN ('refused', 'failed')
                    LEFT JOIN contributions_takenback taken_back ON taken_back.receipt_id = receipt.id
                    WHERE receipt.id IN (SELECT receipt_id FROM new_parts)
                    GROUP BY receipt.id, taken_back.amount_fen
                    HAVING sum(part.amount_fen) >
                            CASE WHEN receipt.applied THEN coalesce(taken_back.amount_fen, 0) ELSE receipt.amount_fen END
                        OR bool_or(refund.channel <> receipt.channel)
                    LIMIT 1;
                    IF FOUND THEN
                        RAISE EXCEPTION 'receipt %: % fen are more than may go back by this road', wrong.id, wrong.given
                            USING ERRCODE = 'check_violation';
                    END IF;
                    -- Parts from before count too, so that nothing can be added to a refund once it stands.
                    IF EXISTS (
                        SELECT 1 FROM contributions_refundpart part JOIN contributions_refund refund ON refund.id = part.refund_id
                        WHERE refund.id IN (SELECT refund_id FROM new_parts)
                        GROUP BY refund.id HAVING sum(part.amount_fen) <> refund.amount_fen
                    ) THEN
                        RAISE EXCEPTION 'a refund is not the sum of its parts' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
                            hash="14f4891b06ba537110775865cbb9fdbec14f37d6",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_no_more_is_refunded_than_received_1513c",
                            referencing="REFERENCING NEW TABLE AS new_parts ",
                            table="contributions_refundpart",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TakenBack",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "receipt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="taken_back", to="contributions.receipt", verbose_name="到账记录"
                    ),
                ),
                (
                    "movement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="taken_back", to="contributions.accountmovement", verbose_name="个人账户变动"
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="hall.case", verbose_name="办件"
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="taken_back",
                        to="contributions.difference",
                        verbose_name="合作方的申请",
                    ),
                ),
                ("amount_fen", models.BigIntegerField(verbose_name="金额（分）")),
                ("elsewhere", models.CharField(blank=True, max_length=60, verbose_name="另一参保地")),
                ("at", models.DateTimeField(verbose_name="时间")),
            ],
            options={
                "verbose_name": "缴费扣回",
                "verbose_name_plural": "缴费扣回",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="taken_back_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("case__isnull", False), ("request__isnull", True), models.Q(("elsewhere", ""), _negated=True)),
                            models.Q(("case__isnull", True), ("elsewhere", ""), ("request__isnull", False)),
                            _connector="OR",
                        ),
                        name="taken_back_by_a_case_or_a_request",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="taken_back_is_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="a5d9594bc96d578f79bea5e66938afa785f3827a",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_taken_back_is_kept_5ec14",
                            table="contributions_takenback",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="no_more_is_taken_back_than_was_paid",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM contributions_receipt receipt, contributions_accountmovement movement
                        WHERE receipt.id = NEW.receipt_id AND receipt.applied AND NEW.amount_fen <= receipt.amount_fen
                            AND movement.id = NEW.movement_id
                            AND movement.kind = CASE WHEN NEW.request_id IS NULL THEN 'duplicate_taken_back' ELSE 'reversed' END
                            AND movement.amount_fen + movement.pooled_fen + movement.surcharge_fen = -NEW.amount_fen
                    ) THEN
                        RAISE EXCEPTION 'receipt %: % fen are not what was paid and taken back',
                            NEW.receipt_id, NEW.amount_fen USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
                            hash="d2c91daa5826ec0f7afde1f7892d123f4e293e0a",
                            operation="INSERT",
                            pgid="pgtrigger_no_more_is_taken_back_than_was_paid_109a4",
                            table="contributions_takenback",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.RunSQL(BESIDE, GONE),
    ]
