import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [("partners", "0001_partners"), ("partners", "0002_history_is_kept")]

    initial = True

    dependencies = [
        ("accounts", "__first__"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="Partner",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.CharField(
                        max_length=20,
                        unique=True,
                        validators=[django.core.validators.RegexValidator("^[a-z][a-z0-9-]*$", "代码为小写字母、数字和连字符，以字母开头。")],
                        verbose_name="代码",
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="名称")),
                ("cities", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30), size=None, verbose_name="开通城市")),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("orders", "缴费订单与对账"), ("proofs", "证明核验"), ("transfers", "关系转移接续")], max_length=20
                        ),
                        size=None,
                        verbose_name="开通范围",
                    ),
                ),
                (
                    "per_minute",
                    models.PositiveIntegerField(
                        default=600,
                        validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100000)],
                        verbose_name="每分钟请求上限",
                    ),
                ),
                ("active", models.BooleanField(default=True, verbose_name="启用")),
                (
                    "user",
                    models.OneToOneField(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="partner", to=settings.AUTH_USER_MODEL, verbose_name="账号"
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="开通时间")),
            ],
            options={
                "verbose_name": "接口合作方",
                "verbose_name_plural": "接口合作方",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("code__regex", "^[a-z][a-z0-9-]*$")), name="partner_code_form"),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="partner_has_name"),
                    models.CheckConstraint(condition=models.Q(("scopes__contained_by", ["orders", "proofs", "transfers"])), name="partner_scopes_known"),
                    models.CheckConstraint(condition=models.Q(("per_minute__gt", 0)), name="partner_may_ask"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="partners_keep_their_code",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.code IS DISTINCT FROM NEW.code OR OLD.user_id IS DISTINCT FROM NEW.user_id)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="ad6e317d608ab12cf9c116ae49280c82e0482344",
                            operation="UPDATE",
                            pgid="pgtrigger_partners_keep_their_code_f3751",
                            table="partners_partner",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="partners_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="d9c38c072d2ac7ed3d1bd8a146c94de2a717ce21",
                            operation="DELETE",
                            pgid="pgtrigger_partners_are_kept_0c65e",
                            table="partners_partner",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func=(
                                'INSERT INTO "partners_partnerevent" ("active", "cities", "code", "created_at", "id", '
                                '"name", "per_minute", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", '
                                '"scopes", "user_id") VALUES (NEW."active", NEW."cities", NEW."code", NEW."created_at", '
                                'NEW."id", NEW."name", NEW."per_minute", _pgh_attach_context(), NOW(), \'insert\', NEW."id", '
                                'NEW."scopes", NEW."user_id"); RETURN NULL;'
                            ),
                            hash="7e8f4e1ea39172153aeb3b5b1f72547bce5a5050",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_71860",
                            table="partners_partner",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func=(
                                'INSERT INTO "partners_partnerevent" ("active", "cities", "code", "created_at", "id", '
                                '"name", "per_minute", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", '
                                '"scopes", "user_id") VALUES (NEW."active", NEW."cities", NEW."code", NEW."created_at", '
                                'NEW."id", NEW."name", NEW."per_minute", _pgh_attach_context(), NOW(), \'update\', NEW."id", '
                                'NEW."scopes", NEW."user_id"); RETURN NULL;'
                            ),
                            hash="83207a66847044d2362620d51b1a5c5d3f25b7ee",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_17ece",
                            table="partners_partner",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PartnerEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "pgh_obj",
                    models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="events", to="partners.partner"),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="pghistory.context"),
                ),
                ("id", models.BigIntegerField()),
                (
                    "code",
                    models.CharField(
                        max_length=20,
                        validators=[django.core.validators.RegexValidator("^[a-z][a-z0-9-]*$", "代码为小写字母、数字和连字符，以字母开头。")],
                        verbose_name="代码",
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="名称")),
                ("cities", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30), size=None, verbose_name="开通城市")),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("orders", "缴费订单与对账"), ("proofs", "证明核验"), ("transfers", "关系转移接续")], max_length=20
                        ),
                        size=None,
                        verbose_name="开通范围",
                    ),
                ),
                (
                    "per_minute",
                    models.PositiveIntegerField(
                        default=600,
                        validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100000)],
                        verbose_name="每分钟请求上限",
                    ),
                ),
                ("active", models.BooleanField(default=True, verbose_name="启用")),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="账号",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="开通时间")),
            ],
            options={
                "abstract": False,
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="a13e8879ffafbd590ff94ddd2a82e6a6ef165dbd",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_20581",
                            table="partners_partnerevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PartnerKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "partner",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="keys", to="partners.partner", verbose_name="接口合作方"),
                ),
                ("key_id", models.CharField(max_length=60, unique=True, verbose_name="密钥编号")),
                ("public_key", models.TextField(verbose_name="公钥（PEM）")),
                ("fingerprint", models.CharField(max_length=64, unique=True, verbose_name="指纹（SHA-256）")),
                ("valid_from", models.DateTimeField(verbose_name="生效时间")),
                ("valid_until", models.DateTimeField(blank=True, null=True, verbose_name="失效时间")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="吊销时间")),
                (
                    "revoked_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="吊销人"
                    ),
                ),
                (
                    "added_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="登记人"),
                ),
                ("added_at", models.DateTimeField(verbose_name="登记时间")),
            ],
            options={
                "verbose_name": "合作方公钥",
                "verbose_name_plural": "合作方公钥",
                "ordering": ("partner", "-valid_from", "-pk"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("valid_until__isnull", True), ("valid_until__gt", models.F("valid_from")), _connector="OR"),
                        name="partner_key_times_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("revoked_at__isnull", True), ("revoked_by__isnull", True)),
                            models.Q(("revoked_at__isnull", False), ("revoked_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="partner_key_revoked_by_someone",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="partner_keys_stay",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN ((OLD.partner_id, OLD.key_id, OLD.public_key, OLD.fingerprint, OLD.valid_from, OLD.added_by_id, OLD.added_at) IS DISTINCT FROM (NEW.partner_id, NEW.key_id, NEW.public_key, NEW.fingerprint, NEW.valid_from, NEW.added_by_id, NEW.added_at) "
                                "OR (OLD.revoked_at IS NOT NULL AND OLD.revoked_at IS DISTINCT FROM NEW.revoked_at))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="4d5990adcf0ce08b561974aefd3fbcad0fc58a62",
                            operation="UPDATE",
                            pgid="pgtrigger_partner_keys_stay_d7c9d",
                            table="partners_partnerkey",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="partner_keys_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="31de1d9c98729a2a5b3dd8c8cd264209430f5c37",
                            operation="DELETE",
                            pgid="pgtrigger_partner_keys_are_kept_f18cb",
                            table="partners_partnerkey",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func=(
                                'INSERT INTO "partners_partnerkeyevent" ("added_at", "added_by_id", "fingerprint", "id", '
                                '"key_id", "partner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", '
                                '"public_key", "revoked_at", "revoked_by_id", "valid_from", "valid_until") VALUES '
                                '(NEW."added_at", NEW."added_by_id", NEW."fingerprint", NEW."id", NEW."key_id", '
                                'NEW."partner_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."public_key", '
                                'NEW."revoked_at", NEW."revoked_by_id", NEW."valid_from", NEW."valid_until"); RETURN NULL;'
                            ),
                            hash="7727250e5570c30cc6bdd8d0f60ae7fd5b8fffd6",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_f0d05",
                            table="partners_partnerkey",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func=(
                                'INSERT INTO "partners_partnerkeyevent" ("added_at", "added_by_id", "fingerprint", "id", '
                                '"key_id", "partner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", '
                                '"public_key", "revoked_at", "revoked_by_id", "valid_from", "valid_until") VALUES '
                                '(NEW."added_at", NEW."added_by_id", NEW."fingerprint", NEW."id", NEW."key_id", '
                                'NEW."partner_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."public_key", '
                                'NEW."revoked_at", NEW."revoked_by_id", NEW."valid_from", NEW."valid_until"); RETURN NULL;'
                            ),
                            hash="ef067f45434c4b64405c150871887bad5107d9b1",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_cee32",
                            table="partners_partnerkey",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SpentNonce",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("partner", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner")),
                ("nonce", models.CharField(max_length=64)),
                ("good_until", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["good_until"], name="nonce_to_forget")],
                "constraints": [models.UniqueConstraint(fields=("partner", "nonce"), name="a_nonce_is_spent_once")],
            },
        ),
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "partner",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="partners.partner", verbose_name="接口合作方"),
                ),
                ("key", models.CharField(max_length=64, verbose_name="幂等键")),
                ("operation", models.CharField(max_length=200, verbose_name="操作")),
                ("digest", models.CharField(max_length=64, verbose_name="请求摘要")),
                ("status", models.PositiveSmallIntegerField(verbose_name="状态码")),
                ("body", models.TextField(verbose_name="应答")),
                ("at", models.DateTimeField(verbose_name="时间")),
            ],
            options={
                "verbose_name": "接口应答",
                "verbose_name_plural": "接口应答",
                "constraints": [models.UniqueConstraint(fields=("partner", "key"), name="a_key_is_answered_once")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="answers_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="bd19d1f5db33c2431532dfbe9f69bec9d2ac9880",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_answers_are_kept_33f61",
                            table="partners_keptanswer",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PartnerKeyEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "pgh_obj",
                    models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="events", to="partners.partnerkey"),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="pghistory.context"),
                ),
                ("id", models.BigIntegerField()),
                (
                    "partner",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="partners.partner",
                        verbose_name="接口合作方",
                    ),
                ),
                ("key_id", models.CharField(max_length=60, verbose_name="密钥编号")),
                ("public_key", models.TextField(verbose_name="公钥（PEM）")),
                ("fingerprint", models.CharField(max_length=64, verbose_name="指纹（SHA-256）")),
                ("valid_from", models.DateTimeField(verbose_name="生效时间")),
                ("valid_until", models.DateTimeField(blank=True, null=True, verbose_name="失效时间")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="吊销时间")),
                (
                    "revoked_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="吊销人",
                    ),
                ),
                (
                    "added_by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="登记人",
                    ),
                ),
                ("added_at", models.DateTimeField(verbose_name="登记时间")),
            ],
            options={
                "abstract": False,
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="f7f9b9f62f87b4de3bf6eeee345790bdc5ce15a5",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_4af1c",
                            table="partners_partnerkeyevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
    ]
