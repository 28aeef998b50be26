import certificates.models
import django.db.models.deletion
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("certificates", "0001_initial"),
        ("certificates", "0002_payment_documents"),
        ("certificates", "0003_ends_and_kinds"),
        ("certificates", "0004_corrections_and_versions"),
        ("certificates", "0005_transfer_documents"),
        ("certificates", "0006_staff_batches"),
    ]

    initial = True

    dependencies = [
        ("accounts", "__first__"),
        ("hall", "0001_tables"),
        ("people", "0001_tables"),
    ]

    operations = [
        migrations.RunSQL(
            sql="CREATE SEQUENCE certificates_serial_number",
            reverse_sql="DROP SEQUENCE certificates_serial_number",
        ),
        migrations.CreateModel(
            name="Certificate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("serial_number", models.CharField(max_length=40, unique=True, verbose_name="证明编号")),
                ("code", models.CharField(max_length=28, unique=True, verbose_name="验证码")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("person", "个人参保证明"),
                            ("employer", "单位参保证明"),
                            ("receipt", "社会保险费缴费电子票据"),
                            ("pay_list", "社会保险费缴费清单"),
                            ("history", "基本养老保险历年参保证明"),
                            ("case", "收件回执单"),
                            ("form", "预申请表"),
                            ("voucher", "参保缴费凭证"),
                            ("letter", "关系转移接续联系函"),
                            ("tr_form", "关系转移接续信息表"),
                        ],
                        max_length=10,
                        verbose_name="证明种类",
                    ),
                ),
                ("city", models.CharField(max_length=30, verbose_name="出具城市")),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="certificates",
                        to="people.person",
                        verbose_name="参保人",
                    ),
                ),
                (
                    "employer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="certificates",
                        to="people.employer",
                        verbose_name="参保单位",
                    ),
                ),
                (
                    "issued_to",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="certificates", to=settings.AUTH_USER_MODEL, verbose_name="申请账号"
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="certificates", to="hall.case", verbose_name="办件"
                    ),
                ),
                ("facts", models.JSONField(verbose_name="证明内容")),
                ("facts_digest", models.CharField(max_length=64, verbose_name="内容摘要")),
                ("frozen_at", models.DateTimeField(verbose_name="数据截止时间")),
                ("valid_until", models.DateField(blank=True, null=True, verbose_name="有效期至")),
                (
                    "status",
                    models.CharField(
                        choices=[("frozen", "待盖章"), ("issued", "有效"), ("revoked", "已撤销"), ("superseded", "已更正替换")],
                        default=certificates.models.Status["FROZEN"],
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("document", models.CharField(blank=True, max_length=200, verbose_name="文件")),
                ("document_digest", models.CharField(blank=True, max_length=64, verbose_name="文件摘要")),
                ("document_size", models.PositiveIntegerField(blank=True, null=True, verbose_name="文件大小（字节）")),
                ("key_fingerprint", models.CharField(blank=True, max_length=64, verbose_name="印章证书指纹")),
                ("issued_at", models.DateTimeField(blank=True, null=True, verbose_name="出具时间")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="撤销时间")),
                (
                    "revoked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revoked_certificates",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="撤销人",
                    ),
                ),
                ("revoked_reason", models.TextField(blank=True, verbose_name="撤销原因")),
                (
                    "superseded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="supersedes",
                        to="certificates.certificate",
                        verbose_name="替换它的证明",
                    ),
                ),
                ("superseded_at", models.DateTimeField(blank=True, null=True, verbose_name="替换时间")),
                (
                    "corrected_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrected_certificates",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="更正人",
                    ),
                ),
                ("superseded_reason", models.TextField(blank=True, verbose_name="更正原因")),
            ],
            options={
                "verbose_name": "证明",
                "verbose_name_plural": "证明",
                "ordering": ("-frozen_at", "-id"),
                "indexes": [
                    models.Index(fields=["person", "-frozen_at"], name="certificate_by_person"),
                    models.Index(fields=["employer", "-frozen_at"], name="certificate_by_employer"),
                    models.Index(fields=["city", "-frozen_at"], name="certificate_by_city"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["person", "employer", "receipt", "pay_list", "history", "case", "form", "voucher", "letter", "tr_form"])
                        ),
                        name="certificate_kind_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("status__in", ["frozen", "issued", "revoked", "superseded"])), name="certificate_status_known"),
                    models.CheckConstraint(condition=models.Q(("code__regex", "^[0-9A-HJKMNP-TV-Z]{28}$")), name="certificate_code_form"),
                    models.CheckConstraint(condition=models.Q(("facts_digest__regex", "^[0-9a-f]{64}$")), name="certificate_facts_have_a_digest"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("employer__isnull", True),
                                ("kind__in", ["person", "receipt", "pay_list", "history", "case", "form", "voucher", "letter", "tr_form"]),
                                ("person__isnull", False),
                            ),
                            models.Q(("employer__isnull", False), ("kind__in", ["employer", "case", "form"]), ("person__isnull", True)),
                            _connector="OR",
                        ),
                        name="certificate_subject_fits_its_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_until__isnull", True),
                            (
                                "valid_until__gte",
                                models.Func(
                                    models.F("frozen_at"), output_field=models.DateField(), template="((%(expressions)s) AT TIME ZONE 'Asia/Shanghai')::date"
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="certificate_ends_after_it_begins",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("document", ""),
                                ("document_digest", ""),
                                ("document_size__isnull", True),
                                ("issued_at__isnull", True),
                                ("key_fingerprint", ""),
                                ("status", "frozen"),
                            ),
                            models.Q(
                                ("document_size__gt", 0),
                                ("issued_at__gte", models.F("frozen_at")),
                                ("status__in", ["issued", "revoked", "superseded"]),
                                ("document_digest__regex", "^[0-9a-f]{64}$"),
                                ("key_fingerprint__regex", "^[0-9a-f]{64}$"),
                                models.Q(("document", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="certificate_issued_with_its_document",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("revoked_at__isnull", False),
                                ("revoked_by__isnull", False),
                                ("status", "revoked"),
                                models.Q(("revoked_reason", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("status", "revoked"), _negated=True),
                                ("revoked_at__isnull", True),
                                ("revoked_by__isnull", True),
                                ("revoked_reason", ""),
                            ),
                            _connector="OR",
                        ),
                        name="certificate_revoked_with_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("corrected_by__isnull", False),
                                ("status", "superseded"),
                                ("superseded_at__isnull", False),
                                ("superseded_by__isnull", False),
                                models.Q(("superseded_reason", ""), _negated=True),
                                models.Q(("superseded_by", models.F("id")), _negated=True),
                            ),
                            models.Q(
                                models.Q(("status", "superseded"), _negated=True),
                                ("corrected_by__isnull", True),
                                ("superseded_at__isnull", True),
                                ("superseded_by__isnull", True),
                                ("superseded_reason", ""),
                            ),
                            _connector="OR",
                        ),
                        name="certificate_superseded_by_another",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("document_digest", ""), _negated=True), fields=("document_digest",), name="one_certificate_per_document"
                    ),
                    models.UniqueConstraint(condition=models.Q(("case__isnull", False)), fields=("case", "kind"), name="one_certificate_of_a_kind_per_case"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="certificate_moves_by_the_table",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE _is_valid_transition BOOLEAN;",
                            func=(
                                'SELECT CONCAT(OLD."status", \':\', NEW."status") = '
                                "ANY('{frozen:issued,issued:revoked,issued:superseded}'::text[]) INTO _is_valid_transition; "
                                'IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN '
                                'RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table '
                                '%\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;'
                            ),
                            hash="cb598423a36cb7b2da2806824f92b5fcf100f42d",
                            operation="UPDATE",
                            pgid="pgtrigger_certificate_moves_by_the_table_78254",
                            table="certificates_certificate",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="certificate_facts_are_frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                'WHEN (OLD."serial_number" IS DISTINCT FROM (NEW."serial_number") '
                                'OR OLD."code" IS DISTINCT FROM (NEW."code") OR OLD."kind" IS DISTINCT FROM (NEW."kind") '
                                'OR OLD."city" IS DISTINCT FROM (NEW."city") '
                                'OR OLD."person_id" IS DISTINCT FROM (NEW."person_id") '
                                'OR OLD."employer_id" IS DISTINCT FROM (NEW."employer_id") '
                                'OR OLD."issued_to_id" IS DISTINCT FROM (NEW."issued_to_id") '
                                'OR OLD."case_id" IS DISTINCT FROM (NEW."case_id") '
                                'OR OLD."facts" IS DISTINCT FROM (NEW."facts") '
                                'OR OLD."facts_digest" IS DISTINCT FROM (NEW."facts_digest") '
                                'OR OLD."frozen_at" IS DISTINCT FROM (NEW."frozen_at") '
                                'OR OLD."valid_until" IS DISTINCT FROM (NEW."valid_until"))'
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="1542265334ff1c9664522ddcd26114256e5c1d61",
                            operation="UPDATE",
                            pgid="pgtrigger_certificate_facts_are_frozen_515c1",
                            table="certificates_certificate",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="certificate_document_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                'WHEN (NOT (OLD."status" = \'frozen\') AND (OLD."document" IS DISTINCT FROM (NEW."document") '
                                'OR OLD."document_digest" IS DISTINCT FROM (NEW."document_digest") '
                                'OR OLD."document_size" IS DISTINCT FROM (NEW."document_size") '
                                'OR OLD."key_fingerprint" IS DISTINCT FROM (NEW."key_fingerprint") '
                                'OR OLD."issued_at" IS DISTINCT FROM (NEW."issued_at")))'
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="534a9e5a18c1b0abff685c551eb40aef689383be",
                            operation="UPDATE",
                            pgid="pgtrigger_certificate_document_stays_6b051",
                            table="certificates_certificate",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="certificate_is_never_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="341180a262497ef941cc83156614caed33e3749a",
                            operation="DELETE",
                            pgid="pgtrigger_certificate_is_never_deleted_9cbd3",
                            table="certificates_certificate",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ResealingRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("city", models.CharField(max_length=30, verbose_name="出具城市")),
                ("reason", models.TextField(verbose_name="重新盖章原因")),
                ("key_fingerprint", models.CharField(max_length=64, verbose_name="新印章证书指纹")),
                ("everything", models.BooleanField(default=False, verbose_name="包括同一印章的证明")),
                ("total", models.PositiveIntegerField(verbose_name="应重新盖章（份）")),
                (
                    "started_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="resealing_runs", to=settings.AUTH_USER_MODEL, verbose_name="发起人"
                    ),
                ),
                ("started_at", models.DateTimeField(verbose_name="发起时间")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="完成时间")),
            ],
            options={
                "verbose_name": "重新盖章",
                "verbose_name_plural": "重新盖章",
                "ordering": ("-started_at", "-id"),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("reason", ""), _negated=True), name="resealing_has_a_reason"),
                    models.CheckConstraint(condition=models.Q(("key_fingerprint__regex", "^[0-9a-f]{64}$")), name="resealing_names_a_key"),
                    models.CheckConstraint(
                        condition=models.Q(("finished_at__isnull", True), ("finished_at__gte", models.F("started_at")), _connector="OR"),
                        name="resealing_ends_after_it_begins",
                    ),
                    models.UniqueConstraint(condition=models.Q(("finished_at__isnull", True)), fields=("city",), name="one_open_resealing_per_city"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="resealing_stays_as_ordered",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                'WHEN (OLD."city" IS DISTINCT FROM (NEW."city") '
                                'OR OLD."reason" IS DISTINCT FROM (NEW."reason") '
                                'OR OLD."key_fingerprint" IS DISTINCT FROM (NEW."key_fingerprint") '
                                'OR OLD."everything" IS DISTINCT FROM (NEW."everything") '
                                'OR OLD."total" IS DISTINCT FROM (NEW."total") '
                                'OR OLD."started_by_id" IS DISTINCT FROM (NEW."started_by_id") '
                                'OR OLD."started_at" IS DISTINCT FROM (NEW."started_at"))'
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="9536669f4d12140fabcde842660a9e5620c99c11",
                            operation="UPDATE",
                            pgid="pgtrigger_resealing_stays_as_ordered_c33be",
                            table="certificates_resealingrun",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="resealing_ends_once",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."finished_at" IS NOT NULL)',
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="925023b0d2a8cdba227c2c6369678db0c0449b52",
                            operation="UPDATE",
                            pgid="pgtrigger_resealing_ends_once_78b71",
                            table="certificates_resealingrun",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="resealing_is_never_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="b6115b8f6b2d5f855037ca5618d2b9a760049770",
                            operation="DELETE",
                            pgid="pgtrigger_resealing_is_never_deleted_edad0",
                            table="certificates_resealingrun",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StaffBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("case", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="staff_batch", to="hall.case", verbose_name="办件")),
                (
                    "employer",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="staff_batches", to="people.employer", verbose_name="参保单位"),
                ),
                ("city", models.CharField(max_length=30, verbose_name="出具城市")),
                (
                    "asked_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="申请账号"),
                ),
                ("asked", models.JSONField(verbose_name="申请内容")),
                ("frozen_at", models.DateTimeField(verbose_name="数据截止时间")),
                ("total", models.PositiveIntegerField(verbose_name="人数")),
                (
                    "status",
                    models.CharField(
                        choices=[("making", "正在开具"), ("ready", "可以下载"), ("expired", "已过下载期")],
                        default=certificates.models.BatchStatus["MAKING"],
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("archive", models.CharField(blank=True, max_length=200, verbose_name="压缩包")),
                ("archive_digest", models.CharField(blank=True, max_length=64, verbose_name="压缩包摘要")),
                ("archive_size", models.PositiveBigIntegerField(blank=True, null=True, verbose_name="压缩包大小（字节）")),
                ("ready_at", models.DateTimeField(blank=True, null=True, verbose_name="完成时间")),
                ("kept_until", models.DateField(blank=True, null=True, verbose_name="下载截止日期")),
            ],
            options={
                "verbose_name": "批量开具",
                "verbose_name_plural": "批量开具",
                "ordering": ("-frozen_at", "-id"),
                "indexes": [
                    models.Index(fields=["employer", "-frozen_at"], name="staff_batch_by_employer"),
                    models.Index(condition=models.Q(("status", "expired"), _negated=True), fields=["status"], name="staff_batch_to_do"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("status__in", ["making", "ready", "expired"])), name="staff_batch_status_known"),
                    models.CheckConstraint(condition=models.Q(("total__gt", 0)), name="staff_batch_is_of_somebody"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("archive_digest__regex", "^[0-9a-f]{64}$"),
                                ("archive_size__gt", 0),
                                ("status", "ready"),
                                ("kept_until__isnull", False),
                                ("ready_at__isnull", False),
                                models.Q(("archive", ""), _negated=True),
                            ),
                            models.Q(("archive", ""), ("archive_digest", ""), ("archive_size__isnull", True), ("status__in", ["making", "expired"])),
                            _connector="OR",
                        ),
                        name="staff_batch_ready_with_its_archive",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="staff_batch_moves_by_the_table",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE _is_valid_transition BOOLEAN;",
                            func=(
                                'SELECT CONCAT(OLD."status", \':\', NEW."status") = '
                                "ANY('{making:ready,ready:making,ready:expired}'::text[]) INTO _is_valid_transition; IF "
                                '(_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE '
                                'EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', '
                                'OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;'
                            ),
                            hash="58b291694ad178df998e6ead1a18af1ea0a87bd8",
                            operation="UPDATE",
                            pgid="pgtrigger_staff_batch_moves_by_the_table_ca411",
                            table="certificates_staffbatch",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="staff_batch_stays_as_asked",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                'WHEN (OLD."case_id" IS DISTINCT FROM (NEW."case_id") '
                                'OR OLD."employer_id" IS DISTINCT FROM (NEW."employer_id") '
                                'OR OLD."city" IS DISTINCT FROM (NEW."city") '
                                'OR OLD."asked_by_id" IS DISTINCT FROM (NEW."asked_by_id") '
                                'OR OLD."asked" IS DISTINCT FROM (NEW."asked") '
                                'OR OLD."frozen_at" IS DISTINCT FROM (NEW."frozen_at") '
                                'OR OLD."total" IS DISTINCT FROM (NEW."total"))'
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="0d81542c1d89a4fb6e5855e20d2e47e66256eaf6",
                            operation="UPDATE",
                            pgid="pgtrigger_staff_batch_stays_as_asked_1b0c4",
                            table="certificates_staffbatch",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="staff_batch_is_never_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="c7ecc4c87d446cdf5a723be4fbf00713f91a4771",
                            operation="DELETE",
                            pgid="pgtrigger_staff_batch_is_never_deleted_a5cef",
                            table="certificates_staffbatch",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SealedVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "certificate",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="certificates.certificate", verbose_name="证明"),
                ),
                ("version", models.PositiveSmallIntegerField(verbose_name="版本")),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="certificates.resealingrun", verbose_name="重新盖章"
                    ),
                ),
                ("document", models.CharField(max_length=200, verbose_name="文件")),
                ("document_digest", models.CharField(max_length=64, unique=True, verbose_name="文件摘要")),
                ("document_size", models.PositiveIntegerField(verbose_name="文件大小（字节）")),
                ("key_fingerprint", models.CharField(max_length=64, verbose_name="印章证书指纹")),
                ("sealed_at", models.DateTimeField(verbose_name="盖章时间")),
            ],
            options={
                "verbose_name": "重新盖章的文件",
                "verbose_name_plural": "重新盖章的文件",
                "ordering": ("certificate", "version"),
                "constraints": [
                    models.UniqueConstraint(fields=("certificate", "version"), name="one_document_per_version"),
                    models.UniqueConstraint(fields=("certificate", "run"), name="resealed_once_in_a_run"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("document_size__gt", 0),
                            ("version__gte", 2),
                            ("document_digest__regex", "^[0-9a-f]{64}$"),
                            ("key_fingerprint__regex", "^[0-9a-f]{64}$"),
                            models.Q(("document", ""), _negated=True),
                        ),
                        name="version_is_whole",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="versions_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="b2b10299e7eaf4c39f6faedd82d9c50107500d45",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_versions_are_kept_42f20",
                            table="certificates_sealedversion",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ResealingFailure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="failures", to="certificates.resealingrun", verbose_name="重新盖章"
                    ),
                ),
                (
                    "certificate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="resealing_failures", to="certificates.certificate", verbose_name="证明"
                    ),
                ),
                ("why", models.CharField(max_length=200, verbose_name="原因")),
                ("at", models.DateTimeField(verbose_name="时间")),
            ],
            options={
                "verbose_name": "未能重新盖章的证明",
                "verbose_name_plural": "未能重新盖章的证明",
                "ordering": ("run", "certificate"),
                "constraints": [models.UniqueConstraint(fields=("run", "certificate"), name="failed_once_in_a_run")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="resealing_failures_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="87432ab2a808d56e55a347d4669337de629a4f3f",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_resealing_failures_are_kept_c0e9f",
                            table="certificates_resealingfailure",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VerificationLog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="时间")),
                (
                    "way",
                    models.CharField(
                        choices=[("code", "验证码"), ("qr", "二维码"), ("file", "上传文件"), ("api", "机构接口")], max_length=10, verbose_name="方式"
                    ),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("valid", "真实有效"),
                            ("expired", "已过有效期"),
                            ("revoked", "已撤销"),
                            ("superseded", "已被替换"),
                            ("altered", "已被改动"),
                            ("unknown", "无法确认"),
                        ],
                        max_length=10,
                        verbose_name="结果",
                    ),
                ),
                ("asker", models.CharField(blank=True, max_length=100, verbose_name="核验机构")),
                (
                    "certificate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="verifications",
                        to="certificates.certificate",
                        verbose_name="证明",
                    ),
                ),
            ],
            options={
                "verbose_name": "核验记录",
                "verbose_name_plural": "核验记录",
                "ordering": ("-at", "-id"),
                "indexes": [models.Index(fields=["-at"], name="verification_by_time")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("way__in", ["code", "qr", "file", "api"])), name="verification_way_known"),
                    models.CheckConstraint(
                        condition=models.Q(("result__in", ["valid", "expired", "revoked", "superseded", "altered", "unknown"])),
                        name="verification_result_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("asker", ""), ("way", "api"), _connector="OR"), name="verification_names_institutions_only"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="verifications_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="09a933fcd5ec263a89fac1e169be994d63d5e4cc",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_verifications_are_kept_af70a",
                            table="certificates_verificationlog",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StaffBatchLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="certificates.staffbatch", verbose_name="批量开具"),
                ),
                ("position", models.PositiveIntegerField(verbose_name="序号")),
                ("person", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.person", verbose_name="职工")),
                (
                    "status",
                    models.CharField(
                        choices=[("waiting", "等待"), ("made", "已开具"), ("failed", "未能开具")],
                        default=certificates.models.LineStatus["WAITING"],
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                (
                    "certificate",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batch_line",
                        to="certificates.certificate",
                        verbose_name="证明",
                    ),
                ),
                ("why", models.CharField(blank=True, max_length=200, verbose_name="原因")),
            ],
            options={
                "verbose_name": "批量开具的职工",
                "verbose_name_plural": "批量开具的职工",
                "ordering": ("batch", "position"),
                "indexes": [models.Index(condition=models.Q(("status", "waiting")), fields=["batch"], name="staff_batch_lines_to_do")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("status__in", ["waiting", "made", "failed"])), name="staff_batch_line_status_known"),
                    models.UniqueConstraint(fields=("batch", "position"), name="one_line_per_position"),
                    models.UniqueConstraint(fields=("batch", "person"), name="one_line_per_person"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "waiting"), ("why", "")),
                            models.Q(("certificate__isnull", False), ("status", "made"), ("why", "")),
                            models.Q(("status", "failed"), models.Q(("why", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="staff_batch_line_made_or_failed_for_a_reason",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="staff_batch_line_moves_by_the_table",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE _is_valid_transition BOOLEAN;",
                            func=(
                                'SELECT CONCAT(OLD."status", \':\', NEW."status") = '
                                "ANY('{waiting:made,waiting:failed,failed:waiting}'::text[]) INTO _is_valid_transition; IF "
                                '(_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE '
                                'EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', '
                                'OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;'
                            ),
                            hash="18b68a38c92a7e2e77b603e8e63bb1d41a3e153b",
                            operation="UPDATE",
                            pgid="pgtrigger_staff_batch_line_moves_by_the_table_a417e",
                            table="certificates_staffbatchline",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="staff_batch_line_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                'WHEN (OLD."batch_id" IS DISTINCT FROM (NEW."batch_id") '
                                'OR OLD."position" IS DISTINCT FROM (NEW."position") '
                                'OR OLD."person_id" IS DISTINCT FROM (NEW."person_id"))'
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="5b2ba61bc14f2d31fccb5f893689e57f47245d43",
                            operation="UPDATE",
                            pgid="pgtrigger_staff_batch_line_stays_ea59a",
                            table="certificates_staffbatchline",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="staff_batch_line_keeps_its_certificate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."certificate_id" IS NOT NULL AND OLD."certificate_id" IS DISTINCT FROM (NEW."certificate_id"))',
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="f0fc37ddf2d918467dbb0ddf5ed0d215d7aa4462",
                            operation="UPDATE",
                            pgid="pgtrigger_staff_batch_line_keeps_its_certificate_86e85",
                            table="certificates_staffbatchline",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="staff_batch_line_is_never_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="90ec2cdb62193c9a381494d7d189fae5eaaae2fd",
                            operation="DELETE",
                            pgid="pgtrigger_staff_batch_line_is_never_deleted_4608d",
                            table="certificates_staffbatchline",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
    ]
