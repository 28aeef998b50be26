import django.db.models.deletion
import pgtrigger.compiler
import portal.hall.models
import transfers.machine
import transfers.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("transfers", "0001_initial"),
        ("transfers", "0002_outside_agencies"),
        ("transfers", "0003_papers_of_agencies_outside"),
        ("transfers", "0004_two_hands"),
    ]

    initial = True

    dependencies = [
        ("accounts", "__first__"),
        ("certificates", "0001_tables"),
        ("contributions", "0001_tables"),
        ("hall", "0001_tables"),
        ("partners", "0001_tables"),
        ("people", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="OutsideAgency",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=30, unique=True, verbose_name="地区名称")),
                ("agency", models.CharField(max_length=60, verbose_name="经办机构全称")),
                (
                    "partner",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="agency",
                        to="partners.partner",
                        verbose_name="接口合作方",
                    ),
                ),
                ("active", models.BooleanField(default=True, verbose_name="可以选择")),
            ],
            options={
                "verbose_name": "外地经办机构",
                "verbose_name_plural": "外地经办机构",
                "ordering": ("title",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("title", ""), _negated=True), models.Q(("agency", ""), _negated=True)), name="outside_agency_has_names"
                    )
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="outside_agencies_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="8116b94a33190c3e94967e0335a79eec38a952da",
                            operation="DELETE",
                            pgid="pgtrigger_outside_agencies_are_kept_43f47",
                            table="transfers_outsideagency",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=24, unique=True, verbose_name="转移编号")),
                ("person", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="transfers", to="people.person", verbose_name="参保人")),
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
                ("from_city", models.CharField(blank=True, max_length=30, verbose_name="转出城市")),
                ("from_place", models.CharField(max_length=60, verbose_name="转出地")),
                ("to_city", models.CharField(blank=True, max_length=30, verbose_name="转入城市")),
                ("to_place", models.CharField(max_length=60, verbose_name="转入地")),
                (
                    "outside",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers",
                        to="transfers.outsideagency",
                        verbose_name="外地经办机构",
                    ),
                ),
                ("direction", models.CharField(choices=[("out", "转出"), ("in", "转入")], max_length=3, verbose_name="申请")),
                (
                    "case",
                    models.OneToOneField(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="transfer", to="hall.case", verbose_name="办件"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("applied", "已申请"),
                            ("accepted", "已受理"),
                            ("letter_sent", "已发联系函"),
                            ("released", "已转出"),
                            ("received", "已到账"),
                            ("merged", "已合并"),
                            ("returned", "已退回"),
                            ("cancelled", "已撤销"),
                        ],
                        default=transfers.machine.Status["APPLIED"],
                        max_length=12,
                        verbose_name="状态",
                    ),
                ),
                ("returned_from", models.CharField(blank=True, max_length=12, verbose_name="退回前状态")),
                ("reason", models.TextField(blank=True, verbose_name="退回或撤销原因")),
                ("due_on", models.DateField(blank=True, null=True, verbose_name="应办结日期")),
                ("releases", models.PositiveSmallIntegerField(default=0, verbose_name="转出次数")),
                ("information", models.JSONField(default=dict, verbose_name="信息表")),
                (
                    "moved_out",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfer",
                        to="contributions.movedout",
                        verbose_name="转出记录",
                    ),
                ),
                (
                    "brought_in",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfer",
                        to="contributions.broughtin",
                        verbose_name="转入记录",
                    ),
                ),
                ("applied_at", models.DateTimeField(verbose_name="申请时间")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="完结时间")),
            ],
            options={
                "verbose_name": "关系转移接续",
                "verbose_name_plural": "关系转移接续",
                "indexes": [
                    models.Index(fields=["person", "-applied_at"], name="transfer_by_person"),
                    models.Index(
                        condition=models.Q(("status__in", ["applied", "accepted", "letter_sent", "released", "received", "returned"])),
                        fields=["due_on"],
                        name="transfer_by_due_day",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["applied", "accepted", "letter_sent", "released", "received", "merged", "returned", "cancelled"])),
                        name="transfer_status_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("direction__in", ["out", "in"])), name="transfer_direction_known"),
                    models.CheckConstraint(condition=models.Q(("insurance__in", ["pension", "medical"])), name="transfer_insurance_is_moved"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("from_city", models.F("to_city")), _negated=True),
                            models.Q(("from_place", ""), _negated=True),
                            models.Q(("to_place", ""), _negated=True),
                        ),
                        name="transfer_between_two_places",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("outside__isnull", True), models.Q(("from_city", ""), _negated=True), models.Q(("to_city", ""), _negated=True)),
                            models.Q(("outside__isnull", False), models.Q(("from_city", ""), ("to_city", ""), _connector="OR")),
                            _connector="OR",
                        ),
                        name="transfer_with_an_agency_at_either_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("direction", "out"), models.Q(("from_city", ""), _negated=True)),
                            models.Q(("direction", "in"), models.Q(("to_city", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="transfer_applied_for_in_a_city_of_the_hall",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "returned"), models.Q(("returned_from", ""), _negated=True), models.Q(("reason", ""), _negated=True)),
                            models.Q(models.Q(("status", "returned"), _negated=True), ("returned_from", "")),
                            _connector="OR",
                        ),
                        name="transfer_returned_with_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", False), ("status__in", ["merged", "cancelled"])),
                            models.Q(("ended_at__isnull", True), ("status__in", ["applied", "accepted", "letter_sent", "released", "received", "returned"])),
                            _connector="OR",
                        ),
                        name="transfer_ends_with_its_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("from_city", ""), ("moved_out__isnull", True)),
                            models.Q(
                                models.Q(("from_city", ""), _negated=True),
                                models.Q(
                                    models.Q(("moved_out__isnull", False), ("status__in", ["released", "received", "merged"])),
                                    models.Q(models.Q(("status__in", ["released", "received", "merged"]), _negated=True), ("moved_out__isnull", True)),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="transfer_away_with_what_left",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("brought_in__isnull", False), ("status", "merged"), models.Q(("to_city", ""), _negated=True)),
                            models.Q(("brought_in__isnull", True), models.Q(models.Q(("status", "merged"), _negated=True), ("to_city", ""), _connector="OR")),
                            _connector="OR",
                        ),
                        name="transfer_merged_with_what_came",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("releases__gt", 0), ("status__in", ["released", "received", "merged"])),
                            models.Q(("status__in", ["released", "received", "merged"]), _negated=True),
                            _connector="OR",
                        ),
                        name="transfer_away_by_a_release",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["applied", "accepted", "letter_sent", "released", "received", "returned"])),
                        fields=("person", "insurance"),
                        name="one_open_transfer_of_a_relation",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="transfer_moves_by_the_table",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE _is_valid_transition BOOLEAN;",
                            func=(
                                'SELECT CONCAT(OLD."status", \':\', NEW."status") = '
                                "ANY('{applied:accepted,applied:returned,applied:cancelled,accepted:letter_sent,accepted:returned,accepted:cancelled,letter_sent:released,letter_sent:returned,letter_sent:cancelled,released:received,released:returned,received:merged,returned:applied,returned:letter_sent,returned:cancelled}'::text[]) "
                                'INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT '
                                'FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" '
                                'from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; '
                                "END IF;"
                            ),
                            hash="af7b49ab7fd49b505a1f741f0f68c34b9398c98f",
                            operation="UPDATE",
                            pgid="pgtrigger_transfer_moves_by_the_table_46a7b",
                            table="transfers_transfer",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="transfer_goes_on_from_where_it_was_returned",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.status = 'returned' AND NEW.status NOT IN ('returned', 'cancelled') AND NOT ((OLD.returned_from = 'applied' AND NEW.status = 'applied') "
                                "OR (OLD.returned_from = 'accepted' AND NEW.status = 'applied') "
                                "OR (OLD.returned_from = 'letter_sent' AND NEW.status = 'letter_sent') "
                                "OR (OLD.returned_from = 'released' AND NEW.status = 'letter_sent')))"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="13b510fa7258e665ed3427776bad64264a5b5937",
                            operation="UPDATE",
                            pgid="pgtrigger_transfer_goes_on_from_where_it_was_returned_f55de",
                            table="transfers_transfer",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="transfer_stays_as_applied",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                'WHEN (OLD."number" IS DISTINCT FROM (NEW."number") '
                                'OR OLD."person_id" IS DISTINCT FROM (NEW."person_id") '
                                'OR OLD."insurance" IS DISTINCT FROM (NEW."insurance") '
                                'OR OLD."from_city" IS DISTINCT FROM (NEW."from_city") '
                                'OR OLD."from_place" IS DISTINCT FROM (NEW."from_place") '
                                'OR OLD."to_city" IS DISTINCT FROM (NEW."to_city") '
                                'OR OLD."to_place" IS DISTINCT FROM (NEW."to_place") '
                                'OR OLD."outside_id" IS DISTINCT FROM (NEW."outside_id") '
                                'OR OLD."direction" IS DISTINCT FROM (NEW."direction") '
                                'OR OLD."case_id" IS DISTINCT FROM (NEW."case_id") '
                                'OR OLD."applied_at" IS DISTINCT FROM (NEW."applied_at"))'
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="96d67e8a51b0718f88263db6dac117d75ced974c",
                            operation="UPDATE",
                            pgid="pgtrigger_transfer_stays_as_applied_0e66c",
                            table="transfers_transfer",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="transfer_is_never_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="d2d624b18cbaa9d0c7ca6c3c44c43e2146f1eef2",
                            operation="DELETE",
                            pgid="pgtrigger_transfer_is_never_deleted_786b2",
                            table="transfers_transfer",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransferEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "transfer",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="events", to="transfers.transfer", verbose_name="转移"),
                ),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="操作人")),
                (
                    "from_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("applied", "已申请"),
                            ("accepted", "已受理"),
                            ("letter_sent", "已发联系函"),
                            ("released", "已转出"),
                            ("received", "已到账"),
                            ("merged", "已合并"),
                            ("returned", "已退回"),
                            ("cancelled", "已撤销"),
                        ],
                        max_length=12,
                        verbose_name="原状态",
                    ),
                ),
                (
                    "to_status",
                    models.CharField(
                        choices=[
                            ("applied", "已申请"),
                            ("accepted", "已受理"),
                            ("letter_sent", "已发联系函"),
                            ("released", "已转出"),
                            ("received", "已到账"),
                            ("merged", "已合并"),
                            ("returned", "已退回"),
                            ("cancelled", "已撤销"),
                        ],
                        max_length=12,
                        verbose_name="新状态",
                    ),
                ),
                ("note", models.TextField(blank=True, verbose_name="说明")),
                ("due_on", models.DateField(blank=True, null=True, verbose_name="应办结日期")),
            ],
            options={
                "verbose_name": "转移经过",
                "verbose_name_plural": "转移经过",
                "ordering": ("at", "pk"),
                "indexes": [models.Index(fields=["to_status", "at"], name="transfer_event_by_status")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("to_status__in", ["applied", "accepted", "letter_sent", "released", "received", "merged", "returned", "cancelled"])
                        ),
                        name="transfer_event_status_known",
                    )
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="transfer_events_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="096f8c6e43e3d08e876c0760afef85517e603174",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_transfer_events_are_kept_aa6ff",
                            table="transfers_transferevent",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Release",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "transfer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="release_proposals", to="transfers.transfer", verbose_name="转移"
                    ),
                ),
                ("months", models.PositiveIntegerField(verbose_name="转移月数")),
                ("account_fen", models.BigIntegerField(verbose_name="个人账户（分）")),
                ("pooled_fen", models.BigIntegerField(verbose_name="统筹基金（分）")),
                ("interest_fen", models.BigIntegerField(verbose_name="其中转出前结息（分）")),
                (
                    "status",
                    models.CharField(
                        choices=[("proposed", "待复核"), ("approved", "已复核，已转出"), ("declined", "未同意")],
                        default=transfers.models.ReleaseStatus["PROPOSED"],
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("proposed_at", models.DateTimeField(verbose_name="提出时间")),
                (
                    "proposed_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="提出人"),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="复核时间")),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="复核人"
                    ),
                ),
                ("why", models.CharField(blank=True, max_length=200, verbose_name="未同意的原因")),
            ],
            options={
                "verbose_name": "转出的复核",
                "verbose_name_plural": "转出的复核",
                "ordering": ("pk",),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("status__in", ["proposed", "approved", "declined"])), name="release_status_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("ended_by__isnull", True), ("status", "proposed")),
                            models.Q(models.Q(("status", "proposed"), _negated=True), ("ended_at__isnull", False), ("ended_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="release_ended_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "approved"), _negated=True), models.Q(("ended_by", models.F("proposed_by")), _negated=True), _connector="OR"
                        ),
                        name="release_approved_by_a_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("status", "declined"), _negated=True), models.Q(("why", ""), _negated=True), _connector="OR"),
                        name="release_declined_with_reason",
                    ),
                    models.UniqueConstraint(condition=models.Q(("status", "proposed")), fields=("transfer",), name="one_release_is_proposed"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="releases_stay_as_proposed",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition=(
                                "WHEN (OLD.status <> 'proposed' OR OLD.id IS DISTINCT FROM NEW.id "
                                "OR OLD.transfer_id IS DISTINCT FROM NEW.transfer_id "
                                "OR OLD.months IS DISTINCT FROM NEW.months "
                                "OR OLD.account_fen IS DISTINCT FROM NEW.account_fen "
                                "OR OLD.pooled_fen IS DISTINCT FROM NEW.pooled_fen "
                                "OR OLD.interest_fen IS DISTINCT FROM NEW.interest_fen "
                                "OR OLD.proposed_at IS DISTINCT FROM NEW.proposed_at "
                                "OR OLD.proposed_by_id IS DISTINCT FROM NEW.proposed_by_id)"
                            ),
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="83d911ab04feb371413849a0f9f82bb6853e72d5",
                            operation="UPDATE",
                            pgid="pgtrigger_releases_stay_as_proposed_c4168",
                            table="transfers_release",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="releases_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="5d0fd6540ef2eaac7a471ba74c6394922c5c8470",
                            operation="DELETE",
                            pgid="pgtrigger_releases_are_kept_48a0f",
                            table="transfers_release",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransferDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "transfer",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="documents", to="transfers.transfer", verbose_name="转移"),
                ),
                (
                    "certificate",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="transfer_document", to="certificates.certificate", verbose_name="文件"
                    ),
                ),
            ],
            options={
                "verbose_name": "转移文件",
                "verbose_name_plural": "转移文件",
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="transfer_documents_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="5d3d5ae7377cb4ad93b226df6bf8dfb7bc845bb9",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_transfer_documents_are_kept_702b4",
                            table="transfers_transferdocument",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TransferPaper",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "transfer",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="papers", to="transfers.transfer", verbose_name="转移"),
                ),
                ("name", models.CharField(max_length=200, verbose_name="文件名")),
                ("content_type", models.CharField(max_length=60)),
                ("size", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("file", models.FileField(max_length=200, storage=portal.hall.models.private_storage, upload_to=transfers.models.paper_path)),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="上传人")),
                ("at", models.DateTimeField(verbose_name="上传时间")),
            ],
            options={
                "verbose_name": "转移来文",
                "verbose_name_plural": "转移来文",
                "ordering": ("pk",),
                "constraints": [models.UniqueConstraint(fields=("transfer", "digest"), name="a_paper_is_kept_once_per_transfer")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="transfer_papers_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="23332d02bc643c47d41b8d836c0296bf5f7c9cfa",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_transfer_papers_are_kept_52390",
                            table="transfers_transferpaper",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="messages", to="transfers.outsideagency", verbose_name="外地经办机构"
                    ),
                ),
                (
                    "transfer",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="messages", to="transfers.transfer", verbose_name="转移"),
                ),
                ("way", models.CharField(choices=[("out", "发出"), ("in", "收到")], max_length=3, verbose_name="方向")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("applied", "已申请"),
                            ("accepted", "已受理"),
                            ("letter_sent", "已发联系函"),
                            ("released", "已转出"),
                            ("received", "已到账"),
                            ("merged", "已合并"),
                            ("returned", "已退回"),
                            ("cancelled", "已撤销"),
                        ],
                        max_length=12,
                        verbose_name="内容",
                    ),
                ),
                ("body", models.JSONField(verbose_name="报文")),
                ("at", models.DateTimeField(verbose_name="时间")),
                (
                    "event",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="message",
                        to="transfers.transferevent",
                        verbose_name="经过",
                    ),
                ),
            ],
            options={
                "verbose_name": "转移报文",
                "verbose_name_plural": "转移报文",
                "ordering": ("pk",),
                "indexes": [models.Index(fields=["agency", "way", "id"], name="transfer_message_by_agency")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("way__in", ["out", "in"])), name="transfer_message_way_known"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["applied", "accepted", "letter_sent", "released", "received", "merged", "returned", "cancelled"])),
                        name="transfer_message_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("event__isnull", False), ("way", "out")), models.Q(("event__isnull", True), ("way", "in")), _connector="OR"
                        ),
                        name="transfer_message_tells_of_a_move",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="transfer_messages_are_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="3e61b5b570e5f9c499206f8caf96be45828f3ed9",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_transfer_messages_are_kept_ea272",
                            table="transfers_message",
                            when="BEFORE",
                        ),
                    )
                ],
            },
        ),
    ]
