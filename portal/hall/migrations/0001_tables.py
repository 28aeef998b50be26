import django.db.models.deletion
import pgtrigger.compiler
import portal.hall.models
import portal.hall.routing
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("hall", "0001_initial"),
        ("hall", "0002_drafts_for_wards"),
        ("hall", "0003_drafts_for_subjects"),
        ("hall", "0004_money_is_waited_for"),
        ("hall", "0005_two_hands"),
        ("hall", "0006_working_days_per_city"),
    ]

    initial = True

    dependencies = [
        ("accounts", "__first__"),
        ("people", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="Case",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=24, unique=True, verbose_name="办件编号")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
                ("service", models.CharField(max_length=40, verbose_name="事项")),
                (
                    "mode",
                    models.CharField(
                        choices=[("direct", "直接办结"), ("match", "比对通过直接办结，否则预申请"), ("counter", "预申请"), ("review", "提交后审核")],
                        max_length=10,
                        verbose_name="办理方式",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("submitted", "已提交"),
                            ("in_review", "审核中"),
                            ("pre_applied", "已预申请"),
                            ("to_pay", "待支付"),
                            ("to_debit", "待扣款"),
                            ("done", "已办结"),
                            ("refused", "不予通过"),
                            ("voided", "已作废"),
                            ("lapsed", "已失效"),
                        ],
                        default=portal.hall.routing.Status["SUBMITTED"],
                        max_length=12,
                        verbose_name="状态",
                    ),
                ),
                (
                    "filed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="filed_cases", to=settings.AUTH_USER_MODEL, verbose_name="经办账号"
                    ),
                ),
                (
                    "applicant_person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="applications",
                        to="people.person",
                        verbose_name="申请人",
                    ),
                ),
                (
                    "applicant_employer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="applications",
                        to="people.employer",
                        verbose_name="申请单位",
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="cases", to="people.person", verbose_name="办理对象"
                    ),
                ),
                ("subject_identity_number", models.CharField(blank=True, max_length=18, verbose_name="办理对象证件号")),
                ("answers", models.JSONField(verbose_name="申报内容")),
                ("facts", models.JSONField(default=dict, verbose_name="提交时的情况")),
                ("mismatches", models.JSONField(default=list, verbose_name="比对不一致")),
                ("outcome", models.JSONField(default=dict, verbose_name="办理结果")),
                ("key", models.UUIDField(unique=True, verbose_name="提交标识")),
                ("digest", models.CharField(max_length=64, verbose_name="内容摘要")),
                ("submitted_at", models.DateTimeField(verbose_name="提交时间")),
                ("due_on", models.DateField(blank=True, null=True, verbose_name="承诺办结日期")),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decided_cases",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="审核人",
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="办结时间")),
                ("reason", models.TextField(blank=True, verbose_name="理由")),
            ],
            options={
                "verbose_name": "办件",
                "verbose_name_plural": "办件",
                "indexes": [
                    models.Index(fields=["city", "status", "due_on"], name="case_queue"),
                    models.Index(fields=["applicant_person", "-submitted_at"], name="case_by_person"),
                    models.Index(fields=["applicant_employer", "-submitted_at"], name="case_by_employer"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["submitted", "in_review", "pre_applied", "to_pay", "to_debit", "done", "refused", "voided", "lapsed"])
                        ),
                        name="case_status_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("mode__in", ["direct", "match", "counter", "review"])), name="case_mode_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("applicant_employer__isnull", False), ("applicant_person__isnull", True)),
                            models.Q(("applicant_employer__isnull", True), ("applicant_person__isnull", False)),
                            _connector="OR",
                        ),
                        name="case_has_one_applicant",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decided_by__isnull", True), models.Q(("decided_by", models.F("filed_by")), _negated=True), _connector="OR"),
                        name="case_decided_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", portal.hall.routing.Status["REFUSED"]), _negated=True), models.Q(("reason", ""), _negated=True), _connector="OR"
                        ),
                        name="case_refused_with_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", portal.hall.routing.Status["LAPSED"]), _negated=True), models.Q(("reason", ""), _negated=True), _connector="OR"
                        ),
                        name="case_lapsed_with_reason",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["submitted", "in_review", "pre_applied"]), models.Q(("subject_identity_number", ""), _negated=True)),
                        fields=("city", "service", "applicant_employer", "subject_identity_number"),
                        name="one_open_case_per_applicant_and_subject",
                        nulls_distinct=False,
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="case_moves_by_the_table",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE _is_valid_transition BOOLEAN;",
                            func=(
                                'SELECT CONCAT(OLD."status", \':\', NEW."status") = '
                                "ANY('{submitted:done,submitted:to_pay,submitted:to_debit,submitted:pre_applied,submitted:in_review,pre_applied:done,pre_applied:to_pay,pre_applied:to_debit,pre_applied:refused,pre_applied:voided,in_review:done,in_review:to_pay,in_review:to_debit,in_review:refused,in_review:voided,to_pay:done,to_pay:lapsed,to_debit:done,to_debit:lapsed}'::text[]) "
                                'INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT '
                                'FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" '
                                'from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; '
                                "END IF;"
                            ),
                            hash="0e1364c898dbd56055ede1ab2f76d172cfde6933",
                            operation="UPDATE",
                            pgid="pgtrigger_case_moves_by_the_table_0f443",
                            table="hall_case",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="case_is_never_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="713fbc6d0c8e3a81b5aa87111d001bfb11825bbf",
                            operation="DELETE",
                            pgid="pgtrigger_case_is_never_deleted_76376",
                            table="hall_case",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to=settings.AUTH_USER_MODEL)),
                ("ward", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.person")),
                ("city", models.CharField(max_length=30)),
                ("service", models.CharField(max_length=40)),
                ("subject", models.CharField(blank=True, default="", max_length=40)),
                ("key", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("typed", models.JSONField(default=dict)),
                ("checked", models.BooleanField(default=False)),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "city", "service", "ward", "subject"), name="one_draft_per_user_offer_and_subject", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WorkdayOverride",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(blank=True, max_length=30, verbose_name="城市")),
                ("day", models.DateField(verbose_name="日期")),
                ("is_workday", models.BooleanField(verbose_name="是工作日")),
                ("reason", models.CharField(max_length=200, verbose_name="依据")),
            ],
            options={
                "verbose_name": "工作日调整",
                "verbose_name_plural": "工作日调整",
                "ordering": ("-day", "city"),
                "constraints": [models.UniqueConstraint(fields=("city", "day"), name="one_override_a_day_and_city")],
            },
        ),
        migrations.CreateModel(
            name="CaseEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("case", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="events", to="hall.case", verbose_name="办件")),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("actor", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name="操作人")),
                (
                    "from_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("submitted", "已提交"),
                            ("in_review", "审核中"),
                            ("pre_applied", "已预申请"),
                            ("to_pay", "待支付"),
                            ("to_debit", "待扣款"),
                            ("done", "已办结"),
                            ("refused", "不予通过"),
                            ("voided", "已作废"),
                            ("lapsed", "已失效"),
                        ],
                        max_length=12,
                        verbose_name="原状态",
                    ),
                ),
                (
                    "to_status",
                    models.CharField(
                        choices=[
                            ("submitted", "已提交"),
                            ("in_review", "审核中"),
                            ("pre_applied", "已预申请"),
                            ("to_pay", "待支付"),
                            ("to_debit", "待扣款"),
                            ("done", "已办结"),
                            ("refused", "不予通过"),
                            ("voided", "已作废"),
                            ("lapsed", "已失效"),
                        ],
                        max_length=12,
                        verbose_name="新状态",
                    ),
                ),
                ("note", models.TextField(blank=True, verbose_name="说明")),
            ],
            options={
                "verbose_name": "办件经过",
                "verbose_name_plural": "办件经过",
                "ordering": ("at", "id"),
                "constraints": [models.UniqueConstraint(fields=("case", "to_status"), name="a_case_reaches_a_status_once")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="case_events_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="318fe0dc7f3fd3224c2a52eb97746282831d50aa",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_case_events_are_kept_b11ec",
                            table="hall_caseevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Overruling",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("case", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="overrulings", to="hall.case", verbose_name="办件")),
                ("mismatches", models.JSONField(verbose_name="与登记不一致之处")),
                ("reason", models.TextField(verbose_name="办理依据")),
                (
                    "status",
                    models.CharField(
                        choices=[("proposed", "待第二人确认"), ("confirmed", "已确认"), ("declined", "未同意")],
                        default=portal.hall.models.OverrulingStatus["PROPOSED"],
                        max_length=9,
                        verbose_name="状态",
                    ),
                ),
                ("proposed_at", models.DateTimeField(verbose_name="提出时间")),
                (
                    "proposed_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="提出人"),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="确认时间")),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="确认人"
                    ),
                ),
                ("why", models.CharField(blank=True, max_length=200, verbose_name="未同意的原因")),
            ],
            options={
                "verbose_name": "与登记不一致仍予办理",
                "verbose_name_plural": "与登记不一致仍予办理",
                "ordering": ("pk",),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("status__in", ["proposed", "confirmed", "declined"])), name="overruling_status_known"),
                    models.CheckConstraint(condition=models.Q(("reason", ""), _negated=True), name="overruling_has_grounds"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("ended_by__isnull", True), ("status", "proposed")),
                            models.Q(models.Q(("status", "proposed"), _negated=True), ("ended_at__isnull", False), ("ended_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="overruling_ended_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "confirmed"), _negated=True), models.Q(("ended_by", models.F("proposed_by")), _negated=True), _connector="OR"
                        ),
                        name="overruling_confirmed_by_a_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("status", "declined"), _negated=True), models.Q(("why", ""), _negated=True), _connector="OR"),
                        name="overruling_declined_with_reason",
                    ),
                    models.UniqueConstraint(condition=models.Q(("status", "proposed")), fields=("case",), name="one_overruling_of_a_case_stands"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="overrulings_stay_as_proposed",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.status <> 'proposed' OR OLD.id IS DISTINCT FROM NEW.id "
                                "OR OLD.case_id IS DISTINCT FROM NEW.case_id "
                                "OR OLD.mismatches IS DISTINCT FROM NEW.mismatches "
                                "OR OLD.reason IS DISTINCT FROM NEW.reason "
                                "OR OLD.proposed_at IS DISTINCT FROM NEW.proposed_at "
                                "OR OLD.proposed_by_id IS DISTINCT FROM NEW.proposed_by_id)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="3555a1cf316a896f08c1dca5436cfc13cba67686",
                            operation="UPDATE",
                            pgid="pgtrigger_overrulings_stay_as_proposed_b38f5",
                            table="hall_overruling",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="overrulings_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="4daf7b2631f465fe6b935c8cfc70b1378edf4a62",
                            operation="DELETE",
                            pgid="pgtrigger_overrulings_are_kept_47e01",
                            table="hall_overruling",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("draft", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="attachments", to="hall.draft")),
                ("case", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="attachments", to="hall.case")),
                ("paper", models.CharField(max_length=40, verbose_name="材料")),
                ("name", models.CharField(max_length=200, verbose_name="文件名")),
                ("content_type", models.CharField(max_length=60)),
                ("size", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("file", models.FileField(max_length=200, storage=portal.hall.models.private_storage, upload_to=portal.hall.models.attachment_path)),
                ("uploaded_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "申报材料",
                "verbose_name_plural": "申报材料",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("case__isnull", False), ("draft__isnull", True)),
                            models.Q(("case__isnull", True), ("draft__isnull", False)),
                            _connector="OR",
                        ),
                        name="attachment_has_one_home",
                    ),
                    models.UniqueConstraint(fields=("draft", "paper"), name="one_file_per_draft_and_paper"),
                ],
            },
        ),
    ]
