import django.db.models.deletion
import pgtrigger.compiler
import portal.columns
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("people", "0001_initial"),
        ("people", "0002_guardianships"),
        ("people", "0003_names_in_one_form"),
        ("people", "0004_history_is_kept"),
        ("people", "0005_papers_of_foreigners"),
        ("people", "0006_an_employers_city_stays"),
    ]

    initial = True

    dependencies = [
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("identity_number", models.CharField(max_length=18, unique=True, verbose_name="社会保障号码")),
                ("name", portal.columns.NameField(max_length=60, verbose_name="姓名")),
                ("sex", models.CharField(choices=[("male", "男"), ("female", "女")], max_length=6, verbose_name="性别")),
                ("birth_date", models.DateField(verbose_name="出生日期")),
                ("archive_birth_date", models.DateField(blank=True, null=True, verbose_name="档案出生日期")),
                (
                    "paper_kind",
                    models.CharField(
                        blank=True,
                        choices=[("passport", "护照"), ("foreign_resident_before", "外国人永久居留身份证（旧版）")],
                        db_default="",
                        default="",
                        max_length=24,
                        verbose_name="证件类型",
                    ),
                ),
                ("paper_number", models.CharField(blank=True, db_default="", default="", max_length=15, verbose_name="证件号码")),
                ("nationality", models.CharField(blank=True, db_default="", default="", max_length=3, verbose_name="国籍")),
                ("paper_expires_on", models.DateField(blank=True, null=True, verbose_name="证件有效期至")),
                ("phone", models.CharField(blank=True, max_length=20, verbose_name="手机号码")),
                ("household_code", models.CharField(blank=True, max_length=6, verbose_name="户籍所在地")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="建档时间")),
            ],
            options={
                "verbose_name": "人员",
                "verbose_name_plural": "人员",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("identity_number__regex", "^[0-9]{17}[0-9X]$"), ("nationality", ""), ("paper_kind", ""), ("paper_number", "")),
                            models.Q(
                                ("identity_number__regex", "^[A-Z]{3}[0-9][0-9A-Z]{14}$"),
                                ("nationality__regex", "^[A-Z]{3}$"),
                                ("paper_kind", "passport"),
                                ("paper_number__regex", "^[0-9A-Z]{5,14}$"),
                            ),
                            models.Q(
                                ("identity_number__regex", "^[A-Z]{3}[0-9][0-9A-Z]{14}$"),
                                ("nationality__regex", "^[A-Z]{3}$"),
                                ("paper_kind", "foreign_resident_before"),
                                ("paper_number__regex", "^[A-Z]{3}[0-9]{12}$"),
                                ("paper_number__startswith", models.F("nationality")),
                            ),
                            _connector="OR",
                        ),
                        name="person_identity_number_form",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("paper_kind", ""), _negated=True),
                        fields=("paper_kind", "paper_number", "nationality"),
                        name="one_person_of_a_paper",
                    ),
                    models.CheckConstraint(condition=models.Q(("sex__in", ["male", "female"])), name="person_sex_known"),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="person_has_name"),
                    models.CheckConstraint(
                        condition=models.Q(
                            portal.columns.Normalized(models.F("name")),
                            models.Q(
                                (
                                    "name__regex",
                                    (
                                        "[\\u2e80-\\u2fdf\\u31c0-\\u31ef\\uff00-\\uffef\\u1427\\u2022\\u2027\\u2219\\u22c5\\u25cf\\u30fb\\u200b-\\u200f\\u202a-\\u202e\\ufeff]|^[-=+@.'\\u00b7 "
                                        "]|[ \\u00b7]$|  |\\t|\\r|\\n"
                                    ),
                                ),
                                _negated=True,
                            ),
                        ),
                        name="person_name_in_form",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func=(
                                'INSERT INTO "people_personevent" ("archive_birth_date", "birth_date", "created_at", '
                                '"household_code", "id", "identity_number", "name", "nationality", "paper_expires_on", '
                                '"paper_kind", "paper_number", "pgh_context_id", "pgh_created_at", "pgh_label", '
                                '"pgh_obj_id", "phone", "sex") VALUES (NEW."archive_birth_date", NEW."birth_date", '
                                'NEW."created_at", NEW."household_code", NEW."id", NEW."identity_number", NEW."name", '
                                'NEW."nationality", NEW."paper_expires_on", NEW."paper_kind", NEW."paper_number", '
                                '_pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."phone", NEW."sex"); RETURN NULL;'
                            ),
                            hash="456913d5011e2614a98cd23ff38a494ca674f24e",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_65688",
                            table="people_person",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func=(
                                'INSERT INTO "people_personevent" ("archive_birth_date", "birth_date", "created_at", '
                                '"household_code", "id", "identity_number", "name", "nationality", "paper_expires_on", '
                                '"paper_kind", "paper_number", "pgh_context_id", "pgh_created_at", "pgh_label", '
                                '"pgh_obj_id", "phone", "sex") VALUES (NEW."archive_birth_date", NEW."birth_date", '
                                'NEW."created_at", NEW."household_code", NEW."id", NEW."identity_number", NEW."name", '
                                'NEW."nationality", NEW."paper_expires_on", NEW."paper_kind", NEW."paper_number", '
                                '_pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."phone", NEW."sex"); RETURN NULL;'
                            ),
                            hash="4ff65b3feb4a74a5e2d187cd36d196a6424442c9",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_de829",
                            table="people_person",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Employer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("credit_code", models.CharField(max_length=18, unique=True, verbose_name="统一社会信用代码")),
                ("name", models.CharField(max_length=120, verbose_name="单位名称")),
                ("city", models.CharField(max_length=30, verbose_name="参保地")),
                ("insurance_number", models.CharField(max_length=20, unique=True, verbose_name="单位社保编号")),
                ("industry_grade", models.PositiveSmallIntegerField(verbose_name="行业工伤风险类别")),
                ("contact_name", portal.columns.NameField(max_length=60, verbose_name="专管员姓名")),
                ("contact_phone", models.CharField(max_length=20, verbose_name="专管员手机号")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="开户时间")),
            ],
            options={
                "verbose_name": "单位",
                "verbose_name_plural": "单位",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("credit_code__regex", "^[0-9A-Z]{18}$")), name="employer_credit_code_form"),
                    models.CheckConstraint(condition=models.Q(("industry_grade__range", (1, 8))), name="employer_industry_grade_1_to_8"),
                    models.CheckConstraint(
                        condition=models.Q(
                            portal.columns.Normalized(models.F("contact_name")),
                            models.Q(
                                (
                                    "contact_name__regex",
                                    (
                                        "[\\u2e80-\\u2fdf\\u31c0-\\u31ef\\uff00-\\uffef\\u1427\\u2022\\u2027\\u2219\\u22c5\\u25cf\\u30fb\\u200b-\\u200f\\u202a-\\u202e\\ufeff]|^[-=+@.'\\u00b7 "
                                        "]|[ \\u00b7]$|  |\\t|\\r|\\n"
                                    ),
                                ),
                                _negated=True,
                            ),
                        ),
                        name="employer_contact_name_in_form",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="an_employers_city_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."city" IS DISTINCT FROM (NEW."city"))',
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="b861c687c90cec8fd0bd4740b13514059d0b5e3b",
                            operation="UPDATE",
                            pgid="pgtrigger_an_employers_city_stays_5896d",
                            table="people_employer",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func=(
                                'INSERT INTO "people_employerevent" ("city", "contact_name", "contact_phone", "created_at", '
                                '"credit_code", "id", "industry_grade", "insurance_number", "name", "pgh_context_id", '
                                '"pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."city", NEW."contact_name", '
                                'NEW."contact_phone", NEW."created_at", NEW."credit_code", NEW."id", NEW."industry_grade", '
                                'NEW."insurance_number", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); '
                                "RETURN NULL;"
                            ),
                            hash="4a6e8c5c321aa10cdde59d859691a8223773a433",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_0f6f4",
                            table="people_employer",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func=(
                                'INSERT INTO "people_employerevent" ("city", "contact_name", "contact_phone", "created_at", '
                                '"credit_code", "id", "industry_grade", "insurance_number", "name", "pgh_context_id", '
                                '"pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."city", NEW."contact_name", '
                                'NEW."contact_phone", NEW."created_at", NEW."credit_code", NEW."id", NEW."industry_grade", '
                                'NEW."insurance_number", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id"); '
                                "RETURN NULL;"
                            ),
                            hash="af869fc7eed31e21708c36aac9c8e49160045364",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_dcff1",
                            table="people_employer",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PersonEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_obj", models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="events", to="people.person")),
                (
                    "pgh_context",
                    models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="pghistory.context"),
                ),
                ("id", models.BigIntegerField()),
                ("identity_number", models.CharField(max_length=18, verbose_name="社会保障号码")),
                ("name", portal.columns.NameField(max_length=60, verbose_name="姓名")),
                ("sex", models.CharField(choices=[("male", "男"), ("female", "女")], max_length=6, verbose_name="性别")),
                ("birth_date", models.DateField(verbose_name="出生日期")),
                ("archive_birth_date", models.DateField(blank=True, null=True, verbose_name="档案出生日期")),
                (
                    "paper_kind",
                    models.CharField(
                        blank=True,
                        choices=[("passport", "护照"), ("foreign_resident_before", "外国人永久居留身份证（旧版）")],
                        db_default="",
                        default="",
                        max_length=24,
                        verbose_name="证件类型",
                    ),
                ),
                ("paper_number", models.CharField(blank=True, db_default="", default="", max_length=15, verbose_name="证件号码")),
                ("nationality", models.CharField(blank=True, db_default="", default="", max_length=3, verbose_name="国籍")),
                ("paper_expires_on", models.DateField(blank=True, null=True, verbose_name="证件有效期至")),
                ("phone", models.CharField(blank=True, max_length=20, verbose_name="手机号码")),
                ("household_code", models.CharField(blank=True, max_length=6, verbose_name="户籍所在地")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="建档时间")),
            ],
            options={
                "abstract": False,
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="35abda29df77c17d89d5efdc2f5d2acf63e59c13",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_1d49f",
                            table="people_personevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="EmployerEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "pgh_obj",
                    models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="events", to="people.employer"),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="pghistory.context"),
                ),
                ("id", models.BigIntegerField()),
                ("credit_code", models.CharField(max_length=18, verbose_name="统一社会信用代码")),
                ("name", models.CharField(max_length=120, verbose_name="单位名称")),
                ("city", models.CharField(max_length=30, verbose_name="参保地")),
                ("insurance_number", models.CharField(max_length=20, verbose_name="单位社保编号")),
                ("industry_grade", models.PositiveSmallIntegerField(verbose_name="行业工伤风险类别")),
                ("contact_name", portal.columns.NameField(max_length=60, verbose_name="专管员姓名")),
                ("contact_phone", models.CharField(max_length=20, verbose_name="专管员手机号")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="开户时间")),
            ],
            options={
                "abstract": False,
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="e87fdb8e19674c434971999eb17633a2504de309",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_7b899",
                            table="people_employerevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BankAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="bank_accounts", to="people.person", verbose_name="人员"),
                ),
                ("city", models.CharField(max_length=30, verbose_name="扣款城市")),
                ("bank", models.CharField(max_length=20, verbose_name="银行代码")),
                ("number", models.CharField(max_length=32, verbose_name="账号")),
                ("holder", portal.columns.NameField(max_length=60, verbose_name="户名")),
                ("start", portal.columns.MonthField(verbose_name="起用月份")),
                ("until", portal.columns.MonthField(blank=True, null=True, verbose_name="停用月份")),
            ],
            options={
                "verbose_name": "缴费账户",
                "verbose_name_plural": "缴费账户",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("start__isnull", True), ("start__day", 1), _connector="OR"), name="bank_account_start_is_month"),
                    models.CheckConstraint(condition=models.Q(("until__isnull", True), ("until__day", 1), _connector="OR"), name="bank_account_until_is_month"),
                    models.CheckConstraint(
                        condition=models.Q(("until__isnull", True), ("until__gt", models.F("start")), _connector="OR"), name="bank_account_months_in_order"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("until__isnull", True)), fields=("person", "city"), name="one_current_account_per_person_and_city"
                    ),
                    models.CheckConstraint(condition=models.Q(("number__regex", "^[0-9]{8,32}$")), name="bank_account_number_digits"),
                    models.CheckConstraint(
                        condition=models.Q(
                            portal.columns.Normalized(models.F("holder")),
                            models.Q(
                                (
                                    "holder__regex",
                                    (
                                        "[\\u2e80-\\u2fdf\\u31c0-\\u31ef\\uff00-\\uffef\\u1427\\u2022\\u2027\\u2219\\u22c5\\u25cf\\u30fb\\u200b-\\u200f\\u202a-\\u202e\\ufeff]|^[-=+@.'\\u00b7 "
                                        "]|[ \\u00b7]$|  |\\t|\\r|\\n"
                                    ),
                                ),
                                _negated=True,
                            ),
                        ),
                        name="bank_account_holder_in_form",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func=(
                                'INSERT INTO "people_bankaccountevent" ("bank", "city", "holder", "id", "number", '
                                '"person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "start", '
                                '"until") VALUES (NEW."bank", NEW."city", NEW."holder", NEW."id", NEW."number", '
                                'NEW."person_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."start", '
                                'NEW."until"); RETURN NULL;'
                            ),
                            hash="83088eb020eec705613ef704e51169dcc37b42f3",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_4e13b",
                            table="people_bankaccount",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func=(
                                'INSERT INTO "people_bankaccountevent" ("bank", "city", "holder", "id", "number", '
                                '"person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "start", '
                                '"until") VALUES (NEW."bank", NEW."city", NEW."holder", NEW."id", NEW."number", '
                                'NEW."person_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."start", '
                                'NEW."until"); RETURN NULL;'
                            ),
                            hash="6827258b501976476e4af4ea0a7cc9de285a996b",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_40f0f",
                            table="people_bankaccount",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Guardianship",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "guardian",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="guardianships", to="people.person", verbose_name="监护人"),
                ),
                (
                    "ward",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="guarded_by", to="people.person", verbose_name="被监护人"),
                ),
                (
                    "relation",
                    models.CharField(
                        choices=[("parent", "父母"), ("grandparent", "祖父母或外祖父母"), ("spouse", "配偶"), ("other", "其他监护人")],
                        max_length=12,
                        verbose_name="监护关系",
                    ),
                ),
                ("proof", models.CharField(max_length=200, verbose_name="依据")),
                ("start", models.DateField(verbose_name="开始日期")),
                ("ends_on", models.DateField(blank=True, null=True, verbose_name="终止日期")),
            ],
            options={
                "verbose_name": "监护关系",
                "verbose_name_plural": "监护关系",
                "indexes": [models.Index(fields=["guardian", "ward"], name="guardianship_by_guardian")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("relation__in", ["parent", "grandparent", "spouse", "other"])), name="guardianship_relation_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("guardian", models.F("ward")), _negated=True), name="guardian_of_another"),
                    models.CheckConstraint(condition=models.Q(("proof", ""), _negated=True), name="guardianship_has_proof"),
                    models.CheckConstraint(
                        condition=models.Q(("ends_on__isnull", True), ("ends_on__gte", models.F("start")), _connector="OR"), name="guardianship_days_in_order"
                    ),
                    models.UniqueConstraint(fields=("guardian", "ward", "start"), name="one_guardianship_of_a_pair_a_day"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="guardianships_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="8ec72bcf22bc0e5dbc73a2d03dccbfc0e9ed8145",
                            operation="DELETE",
                            pgid="pgtrigger_guardianships_are_kept_7fa56",
                            table="people_guardianship",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func=(
                                'INSERT INTO "people_guardianshipevent" ("ends_on", "guardian_id", "id", "pgh_context_id", '
                                '"pgh_created_at", "pgh_label", "pgh_obj_id", "proof", "relation", "start", "ward_id") '
                                'VALUES (NEW."ends_on", NEW."guardian_id", NEW."id", _pgh_attach_context(), NOW(), '
                                '\'insert\', NEW."id", NEW."proof", NEW."relation", NEW."start", NEW."ward_id"); RETURN NULL;'
                            ),
                            hash="e998402d3f295768c52096e4683fea26e4057783",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_5782f",
                            table="people_guardianship",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func=(
                                'INSERT INTO "people_guardianshipevent" ("ends_on", "guardian_id", "id", "pgh_context_id", '
                                '"pgh_created_at", "pgh_label", "pgh_obj_id", "proof", "relation", "start", "ward_id") '
                                'VALUES (NEW."ends_on", NEW."guardian_id", NEW."id", _pgh_attach_context(), NOW(), '
                                '\'update\', NEW."id", NEW."proof", NEW."relation", NEW."start", NEW."ward_id"); RETURN NULL;'
                            ),
                            hash="c73783e71233298e2b23bf366c3ad6c4a8ea32ae",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_d23a2",
                            table="people_guardianship",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BankAccountEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "pgh_obj",
                    models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="events", to="people.bankaccount"),
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
                        verbose_name="人员",
                    ),
                ),
                ("city", models.CharField(max_length=30, verbose_name="扣款城市")),
                ("bank", models.CharField(max_length=20, verbose_name="银行代码")),
                ("number", models.CharField(max_length=32, verbose_name="账号")),
                ("holder", portal.columns.NameField(max_length=60, verbose_name="户名")),
                ("start", portal.columns.MonthField(verbose_name="起用月份")),
                ("until", portal.columns.MonthField(blank=True, null=True, verbose_name="停用月份")),
            ],
            options={
                "abstract": False,
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="20319d2ebe46c70bc989e88f6caa3807f098435a",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_6ef22",
                            table="people_bankaccountevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="GuardianshipEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "pgh_obj",
                    models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="events", to="people.guardianship"),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="pghistory.context"),
                ),
                ("id", models.BigIntegerField()),
                (
                    "guardian",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="people.person",
                        verbose_name="监护人",
                    ),
                ),
                (
                    "ward",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="people.person",
                        verbose_name="被监护人",
                    ),
                ),
                (
                    "relation",
                    models.CharField(
                        choices=[("parent", "父母"), ("grandparent", "祖父母或外祖父母"), ("spouse", "配偶"), ("other", "其他监护人")],
                        max_length=12,
                        verbose_name="监护关系",
                    ),
                ),
                ("proof", models.CharField(max_length=200, verbose_name="依据")),
                ("start", models.DateField(verbose_name="开始日期")),
                ("ends_on", models.DateField(blank=True, null=True, verbose_name="终止日期")),
            ],
            options={
                "abstract": False,
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="ea73384194682bc50a05a4a71ddfdc3cb4b5834e",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_76cd1",
                            table="people_guardianshipevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
    ]
