import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import portal.accounts.models
import portal.columns
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("accounts", "0001_initial"),
        ("accounts", "0002_notices"),
        ("accounts", "0003_partners"),
        ("accounts", "0004_names_in_one_form"),
        ("accounts", "0005_sessions_and_codes_of_browsers"),
        ("accounts", "0006_activation_codes"),
        ("accounts", "0007_kept_forms"),
        ("accounts", "0008_two_hands_and_looks"),
        ("accounts", "0009_logins_follow_names"),
        ("accounts", "0010_defaults_for_statements_of_sets"),
        ("accounts", "0011_longer_searches"),
        ("accounts", "0012_tries_with_passkeys"),
        ("accounts", "0013_what_staff_did_is_kept"),
    ]

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("people", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("person", "个人"), ("clerk", "单位经办人"), ("staff", "经办机构工作人员"), ("system", "系统"), ("partner", "接口合作方")],
                        max_length=10,
                        verbose_name="类型",
                    ),
                ),
                ("username", models.CharField(default=portal.accounts.models.handle, max_length=60, unique=True, verbose_name="用户名")),
                ("name", portal.columns.NameField(max_length=60, verbose_name="姓名")),
                ("phone", models.CharField(blank=True, max_length=20, verbose_name="手机号码")),
                (
                    "person",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="accounts", to="people.person", verbose_name="本人"
                    ),
                ),
                (
                    "employer",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="clerks", to="people.employer", verbose_name="单位"
                    ),
                ),
                ("city", models.CharField(blank=True, max_length=30, verbose_name="所属城市")),
                ("is_active", models.BooleanField(default=True, verbose_name="可登录")),
                ("is_staff", models.BooleanField(default=False, verbose_name="可进经办工作台")),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="开通时间")),
                ("must_change_password", models.BooleanField(db_default=False, default=False, verbose_name="首次登录须修改密码")),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "账号",
                "verbose_name_plural": "账号",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("kind__in", ["person", "clerk", "staff", "system", "partner"])), name="user_kind_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("employer__isnull", True), ("is_staff", False), ("kind", "person"), ("person__isnull", False)),
                            models.Q(("employer__isnull", False), ("is_staff", False), ("kind", "clerk")),
                            models.Q(("employer__isnull", True), ("is_staff", True), ("kind", "staff")),
                            models.Q(("employer__isnull", True), ("is_staff", False), ("kind", "system"), ("person__isnull", True)),
                            models.Q(("employer__isnull", True), ("is_active", False), ("is_staff", False), ("kind", "partner"), ("person__isnull", True)),
                            _connector="OR",
                        ),
                        name="user_kind_matches_what_it_stands_for",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind", "partner"),
                            models.Q(
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
                            _connector="OR",
                        ),
                        name="user_name_in_form",
                    ),
                    models.UniqueConstraint(condition=models.Q(("kind", "person")), fields=("person",), name="one_personal_login_each"),
                    models.UniqueConstraint(condition=models.Q(("kind", "clerk")), fields=("employer", "phone"), name="one_clerk_login_per_phone"),
                    models.UniqueConstraint(condition=models.Q(("kind", "clerk")), fields=("employer", "name"), name="one_clerk_login_per_name"),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "person"), models.Q(("phone", ""), _negated=True)), fields=("phone",), name="one_personal_login_per_phone"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NamedPerson",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
            },
            bases=("people.person",),
        ),
        migrations.CreateModel(
            name="TextMessageCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("phone", models.CharField(max_length=20)),
                ("purpose", models.CharField(max_length=30)),
                ("asked_from", models.GenericIPAddressField(null=True)),
                ("browser", models.CharField(blank=True, default="", max_length=64)),
                ("known", models.BooleanField(default=False)),
                ("code_hash", models.CharField(max_length=128)),
                ("sent_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("wrong_guesses", models.PositiveSmallIntegerField(default=0)),
                ("spent_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["phone", "purpose", "-sent_at"], name="text_code_by_phone"),
                    models.Index(fields=["asked_from", "-sent_at"], name="text_code_by_address"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProofTry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("who", models.CharField(max_length=64)),
                ("way", models.CharField(max_length=10)),
                ("address", models.GenericIPAddressField()),
                ("passed", models.BooleanField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["who", "way", "-at"], name="proof_try_by_person"),
                    models.Index(fields=["address", "-at"], name="proof_try_by_address"),
                ],
            },
        ),
        migrations.CreateModel(
            name="KeptForm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("browser", models.CharField(max_length=64, unique=True)),
                ("account", models.CharField(max_length=24)),
                ("content", models.TextField()),
                ("kept_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("phone", models.CharField(max_length=20)),
                ("text", models.TextField()),
                ("sent_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["-sent_at"], name="outbox_by_time")],
            },
        ),
        migrations.CreateModel(
            name="ActivationCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="activation_codes", to="people.person", verbose_name="参保人"),
                ),
                ("city", models.CharField(max_length=30, verbose_name="签发城市")),
                ("code_hash", models.CharField(max_length=128)),
                ("seen", models.CharField(max_length=60, verbose_name="核验的证件")),
                (
                    "issued_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="签发人"),
                ),
                ("issued_at", models.DateTimeField(verbose_name="签发时间")),
                ("good_until", models.DateField(verbose_name="有效期至")),
                ("spent_at", models.DateTimeField(blank=True, null=True, verbose_name="使用时间")),
            ],
            options={
                "verbose_name": "网上账号激活码",
                "verbose_name_plural": "网上账号激活码",
                "ordering": ("-issued_at", "-pk"),
                "indexes": [models.Index(fields=["person", "-issued_at"], name="activation_code_by_person")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="activation_codes_stay_as_issued",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN ((OLD.person_id, OLD.city, OLD.code_hash, OLD.seen, OLD.issued_by_id, OLD.issued_at, OLD.good_until) IS DISTINCT FROM (NEW.person_id, NEW.city, NEW.code_hash, NEW.seen, NEW.issued_by_id, NEW.issued_at, NEW.good_until) "
                                "OR OLD.spent_at IS NOT NULL)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="399060165f0541e8d91667a3ab9806a96049a23a",
                            operation="UPDATE",
                            pgid="pgtrigger_activation_codes_stay_as_issued_a85da",
                            table="accounts_activationcode",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="activation_codes_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="d8b318ae9c925bb26aa452f37ea21e7fbb7599e9",
                            operation="DELETE",
                            pgid="pgtrigger_activation_codes_are_kept_0c4bc",
                            table="accounts_activationcode",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OpenSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="open_sessions", to=settings.AUTH_USER_MODEL)),
                ("session_key", models.CharField(db_index=True, max_length=40)),
                ("began_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("address", models.GenericIPAddressField()),
                ("agent", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["user", "-seen_at"], name="open_session_by_user"),
                    models.Index(fields=["seen_at"], name="open_session_by_time"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PasskeyTries",
            fields=[
                (
                    "throttling_failure_timestamp",
                    models.DateTimeField(
                        blank=True, default=None, help_text="A timestamp of the last failed verification attempt. Null if last attempt succeeded.", null=True
                    ),
                ),
                ("throttling_failure_count", models.PositiveIntegerField(default=0, help_text="Number of successive failed attempts.")),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="passkey_tries",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
            bases=(models.Model, portal.accounts.models._OpenOtherwise),
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="people.person",
                        verbose_name="人员",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="账号",
                    ),
                ),
                ("kind", models.CharField(max_length=20, verbose_name="类别")),
                ("reference", models.CharField(max_length=60, verbose_name="事由")),
                ("title", models.CharField(max_length=80, verbose_name="标题")),
                ("text", models.TextField(verbose_name="内容")),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("read_at", models.DateTimeField(blank=True, null=True, verbose_name="阅读时间")),
                ("by_text", models.BooleanField(default=False, verbose_name="同时发短信")),
                ("phone", models.CharField(blank=True, db_default="", max_length=20, verbose_name="短信接收号码")),
                ("texted_at", models.DateTimeField(blank=True, null=True, verbose_name="短信发出时间")),
            ],
            options={
                "verbose_name": "消息",
                "verbose_name_plural": "消息",
                "ordering": ("-at", "-id"),
                "indexes": [
                    models.Index(fields=["person", "-at"], name="notice_by_person"),
                    models.Index(condition=models.Q(("user__isnull", False)), fields=["user", "-at"], name="notice_by_user"),
                    models.Index(condition=models.Q(("by_text", True), ("texted_at__isnull", True)), fields=["id"], name="notice_to_text"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("person__isnull", False), ("user__isnull", True)),
                            models.Q(("person__isnull", True), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="notice_is_for_a_person_or_a_login",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("by_text", True), ("texted_at__isnull", True), _connector="OR"), name="notice_texted_only_where_asked"
                    ),
                    models.UniqueConstraint(fields=("kind", "reference"), name="nothing_is_told_twice"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="notices_stay_as_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN ((OLD.person_id, OLD.user_id, OLD.kind, OLD.reference, OLD.title, OLD.text, OLD.at, "
                                "OLD.by_text, OLD.phone) IS DISTINCT FROM (NEW.person_id, NEW.user_id, NEW.kind, "
                                "NEW.reference, NEW.title, NEW.text, NEW.at, NEW.by_text, NEW.phone))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="c596953f32bf4d6ebd8c5c8154c001cecb35c981",
                            operation="UPDATE",
                            pgid="pgtrigger_notices_stay_as_told_a8f6b",
                            table="accounts_notice",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="told_notices_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="525c28899079cde3698986b9f57fb20cae1c6e2b",
                            operation="DELETE",
                            pgid="pgtrigger_told_notices_are_kept_bc564",
                            table="accounts_notice",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=30, verbose_name="事项")),
                ("city", models.CharField(blank=True, max_length=30, verbose_name="城市")),
                ("target", models.CharField(max_length=80, verbose_name="对象标识")),
                ("about", models.CharField(max_length=160, verbose_name="对象")),
                ("identity_number", models.CharField(blank=True, max_length=18, verbose_name="身份证号码")),
                ("payload", models.JSONField(verbose_name="内容")),
                ("reason", models.CharField(max_length=200, verbose_name="依据或事由")),
                (
                    "status",
                    models.CharField(
                        choices=[("proposed", "待复核"), ("approved", "已生效"), ("refused", "复核未通过")],
                        default=portal.accounts.models.ProposalStatus["PROPOSED"],
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="proposals", to=settings.AUTH_USER_MODEL, verbose_name="提出人"
                    ),
                ),
                ("proposed_at", models.DateTimeField(verbose_name="提出时间")),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decided_proposals",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="复核人",
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="复核时间")),
                ("why", models.CharField(blank=True, max_length=200, verbose_name="未通过的原因")),
            ],
            options={
                "verbose_name": "两人复核",
                "verbose_name_plural": "两人复核",
                "ordering": ("-pk",),
                "indexes": [models.Index(fields=["city", "status"], name="proposal_queue")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("status__in", ["proposed", "approved", "refused"])), name="proposal_status_known"),
                    models.CheckConstraint(condition=models.Q(("reason", ""), _negated=True), name="proposal_has_reason"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("status", "proposed")),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("status__in", ["approved", "refused"]),
                                models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="proposal_decided_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("status", "refused"), _negated=True), models.Q(("why", ""), _negated=True), _connector="OR"),
                        name="proposal_refused_with_reason",
                    ),
                    models.UniqueConstraint(condition=models.Q(("status", "proposed")), fields=("kind", "target"), name="one_open_proposal_about_a_target"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="proposals_are_decided_once",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.status <> 'proposed' "
                                "OR ((OLD.kind, OLD.city, OLD.target, OLD.about, OLD.identity_number, OLD.payload, OLD.reason, OLD.proposed_by_id, OLD.proposed_at) IS DISTINCT FROM (NEW.kind, NEW.city, NEW.target, NEW.about, NEW.identity_number, NEW.payload, NEW.reason, NEW.proposed_by_id, NEW.proposed_at)))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="b186c2ff4b70e8379459959cddaf8cf97a86b3c6",
                            operation="UPDATE",
                            pgid="pgtrigger_proposals_are_decided_once_3fde8",
                            table="accounts_proposal",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="proposals_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="6d9733667fad9c7893c5f78d6eb326632c729623",
                            operation="DELETE",
                            pgid="pgtrigger_proposals_are_kept_544b3",
                            table="accounts_proposal",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PersonLookup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="lookups", to=settings.AUTH_USER_MODEL, verbose_name="查询人"),
                ),
                ("identity_number", models.CharField(blank=True, max_length=18, verbose_name="被查询人身份证号码")),
                ("purpose", models.CharField(max_length=40, verbose_name="用途")),
                ("page", models.CharField(blank=True, max_length=40, verbose_name="页面")),
                ("row", models.BigIntegerField(blank=True, null=True, verbose_name="记录")),
                ("sought", models.CharField(blank=True, max_length=120, verbose_name="查询内容")),
                ("reason", models.CharField(blank=True, max_length=60, verbose_name="查询事由")),
                ("found", models.BooleanField(verbose_name="是否查到")),
                ("counted", models.BooleanField(default=True, verbose_name="计入每小时上限")),
                ("at", models.DateTimeField(verbose_name="时间")),
            ],
            options={
                "verbose_name": "查询记录",
                "verbose_name_plural": "查询记录",
                "indexes": [
                    models.Index(fields=["user", "-at"], name="lookup_by_user"),
                    models.Index(fields=["identity_number", "-at"], name="lookup_by_number"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="lookups_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="c73fe3839c547bb8e77596a633d95af3f4dc178c",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_lookups_are_kept_781bd",
                            table="accounts_personlookup",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
    ]
