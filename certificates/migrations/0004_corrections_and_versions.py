
import certificates.models
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('certificates', '0003_ends_and_kinds'),
        ('hall', '0001_initial'),
        ('people', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ResealingFailure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('why', models.CharField(max_length=200, verbose_name='原因')),
                ('at', models.DateTimeField(verbose_name='时间')),
            ],
            options={
                'verbose_name': '未能重新盖章的证明',
                'verbose_name_plural': '未能重新盖章的证明',
                'ordering': ('run', 'certificate'),
            },
        ),
        migrations.CreateModel(
            name='ResealingRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('city', models.CharField(max_length=30, verbose_name='出具城市')),
                ('reason', models.TextField(verbose_name='重新盖章原因')),
                ('key_fingerprint', models.CharField(max_length=64, verbose_name='新印章证书指纹')),
                ('everything', models.BooleanField(default=False, verbose_name='包括同一印章的证明')),
                ('total', models.PositiveIntegerField(verbose_name='应重新盖章（份）')),
                ('started_at', models.DateTimeField(verbose_name='发起时间')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='完成时间')),
            ],
            options={
                'verbose_name': '重新盖章',
                'verbose_name_plural': '重新盖章',
                'ordering': ('-started_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='SealedVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveSmallIntegerField(verbose_name='版本')),
                ('document', models.CharField(max_length=200, verbose_name='文件')),
                ('document_digest', models.CharField(max_length=64, unique=True, verbose_name='文件摘要')),
                ('document_size', models.PositiveIntegerField(verbose_name='文件大小（字节）')),
                ('key_fingerprint', models.CharField(max_length=64, verbose_name='印章证书指纹')),
                ('sealed_at', models.DateTimeField(verbose_name='盖章时间')),
            ],
            options={
                'verbose_name': '重新盖章的文件',
                'verbose_name_plural': '重新盖章的文件',
                'ordering': ('certificate', 'version'),
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='certificate',
            name='certificate_moves_by_the_table',
        ),
        migrations.RemoveConstraint(
            model_name='certificate',
            name='certificate_status_known',
        ),
        migrations.RemoveConstraint(
            model_name='certificate',
            name='certificate_issued_with_its_document',
        ),
        migrations.RemoveConstraint(
            model_name='verificationlog',
            name='verification_way_known',
        ),
        migrations.RemoveConstraint(
            model_name='verificationlog',
            name='verification_result_known',
        ),
        migrations.AddField(
            model_name='certificate',
            name='corrected_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='corrected_certificates', to=settings.AUTH_USER_MODEL, verbose_name='更正人'),
        ),
        migrations.AddField(
            model_name='certificate',
            name='superseded_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='替换时间'),
        ),
        migrations.AddField(
            model_name='certificate',
            name='superseded_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='supersedes', to='certificates.certificate', verbose_name='替换它的证明'),
        ),
        migrations.AddField(
            model_name='certificate',
            name='superseded_reason',
            field=models.TextField(blank=True, verbose_name='更正原因'),
        ),
        migrations.AddField(
            model_name='verificationlog',
            name='asker',
            field=models.CharField(blank=True, max_length=100, verbose_name='核验机构'),
        ),
        migrations.AlterField(
            model_name='certificate',
            name='status',
            field=models.CharField(choices=[('frozen', '待盖章'), ('issued', '有效'), ('revoked', '已撤销'), ('superseded', '已更正替换')], default=certificates.models.Status['FROZEN'], max_length=10, verbose_name='状态'),
        ),
        migrations.AlterField(
            model_name='verificationlog',
            name='result',
            field=models.CharField(choices=[('valid', '真实有效'), ('expired', '已过有效期'), ('revoked', '已撤销'), ('superseded', '已被替换'), ('altered', '已被改动'), ('unknown', '无法确认')], max_length=10, verbose_name='结果'),
        ),
        migrations.AlterField(
            model_name='verificationlog',
            name='way',
            field=models.CharField(choices=[('code', '验证码'), ('qr', '二维码'), ('file', '上传文件'), ('api', '机构接口')], max_length=10, verbose_name='方式'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='certificate',
            trigger=pgtrigger.compiler.Trigger(name='certificate_moves_by_the_table', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{frozen:issued,issued:revoked,issued:superseded}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='cb598423a36cb7b2da2806824f92b5fcf100f42d', operation='UPDATE', pgid='pgtrigger_certificate_moves_by_the_table_78254', table='certificates_certificate', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='certificate',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['frozen', 'issued', 'revoked', 'superseded'])), name='certificate_status_known'),
        ),
        migrations.AddConstraint(
            model_name='certificate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('document', ''), ('document_digest', ''), ('document_size__isnull', True), ('issued_at__isnull', True), ('key_fingerprint', ''), ('status', 'frozen')), models.Q(('document_size__gt', 0), ('issued_at__gte', models.F('frozen_at')), ('status__in', ['issued', 'revoked', 'superseded']), ('document_digest__regex', '^[0-9a-f]{64}$'), ('key_fingerprint__regex', '^[0-9a-f]{64}$'), models.Q(('document', ''), _negated=True)), _connector='OR'), name='certificate_issued_with_its_document'),
        ),
        migrations.AddConstraint(
            model_name='certificate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('corrected_by__isnull', False), ('status', 'superseded'), ('superseded_at__isnull', False), ('superseded_by__isnull', False), models.Q(('superseded_reason', ''), _negated=True), models.Q(('superseded_by', models.F('id')), _negated=True)), models.Q(models.Q(('status', 'superseded'), _negated=True), ('corrected_by__isnull', True), ('superseded_at__isnull', True), ('superseded_by__isnull', True), ('superseded_reason', '')), _connector='OR'), name='certificate_superseded_by_another'),
        ),
        migrations.AddConstraint(
            model_name='verificationlog',
            constraint=models.CheckConstraint(condition=models.Q(('way__in', ['code', 'qr', 'file', 'api'])), name='verification_way_known'),
        ),
        migrations.AddConstraint(
            model_name='verificationlog',
            constraint=models.CheckConstraint(condition=models.Q(('result__in', ['valid', 'expired', 'revoked', 'superseded', 'altered', 'unknown'])), name='verification_result_known'),
        ),
        migrations.AddConstraint(
            model_name='verificationlog',
            constraint=models.CheckConstraint(condition=models.Q(('asker', ''), ('way', 'api'), _connector='OR'), name='verification_names_institutions_only'),
        ),
        migrations.AddField(
            model_name='resealingfailure',
            name='certificate',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='resealing_failures', to='certificates.certificate', verbose_name='证明'),
        ),
        migrations.AddField(
            model_name='resealingrun',
            name='started_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='resealing_runs', to=settings.AUTH_USER_MODEL, verbose_name='发起人'),
        ),
        migrations.AddField(
            model_name='resealingfailure',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='failures', to='certificates.resealingrun', verbose_name='重新盖章'),
        ),
        migrations.AddField(
            model_name='sealedversion',
            name='certificate',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='certificates.certificate', verbose_name='证明'),
        ),
        migrations.AddField(
            model_name='sealedversion',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='certificates.resealingrun', verbose_name='重新盖章'),
        ),
        migrations.AddConstraint(
            model_name='resealingrun',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='resealing_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='resealingrun',
            constraint=models.CheckConstraint(condition=models.Q(('key_fingerprint__regex', '^[0-9a-f]{64}$')), name='resealing_names_a_key'),
        ),
        migrations.AddConstraint(
            model_name='resealingrun',
            constraint=models.CheckConstraint(condition=models.Q(('finished_at__isnull', True), ('finished_at__gte', models.F('started_at')), _connector='OR'), name='resealing_ends_after_it_begins'),
        ),
        migrations.AddConstraint(
            model_name='resealingrun',
            constraint=models.UniqueConstraint(condition=models.Q(('finished_at__isnull', True)), fields=('city',), name='one_open_resealing_per_city'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='resealingrun',
            trigger=pgtrigger.compiler.Trigger(name='resealing_stays_as_ordered', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."city" IS DISTINCT FROM (NEW."city") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."key_fingerprint" IS DISTINCT FROM (NEW."key_fingerprint") OR OLD."everything" IS DISTINCT FROM (NEW."everything") OR OLD."total" IS DISTINCT FROM (NEW."total") OR OLD."started_by_id" IS DISTINCT FROM (NEW."started_by_id") OR OLD."started_at" IS DISTINCT FROM (NEW."started_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='9536669f4d12140fabcde842660a9e5620c99c11', operation='UPDATE', pgid='pgtrigger_resealing_stays_as_ordered_c33be', table='certificates_resealingrun', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='resealingrun',
            trigger=pgtrigger.compiler.Trigger(name='resealing_ends_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."finished_at" IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='925023b0d2a8cdba227c2c6369678db0c0449b52', operation='UPDATE', pgid='pgtrigger_resealing_ends_once_78b71', table='certificates_resealingrun', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='resealingrun',
            trigger=pgtrigger.compiler.Trigger(name='resealing_is_never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='b6115b8f6b2d5f855037ca5618d2b9a760049770', operation='DELETE', pgid='pgtrigger_resealing_is_never_deleted_edad0', table='certificates_resealingrun', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='resealingfailure',
            constraint=models.UniqueConstraint(fields=('run', 'certificate'), name='failed_once_in_a_run'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='resealingfailure',
            trigger=pgtrigger.compiler.Trigger(name='resealing_failures_are_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='87432ab2a808d56e55a347d4669337de629a4f3f', operation='UPDATE OR DELETE', pgid='pgtrigger_resealing_failures_are_kept_c0e9f', table='certificates_resealingfailure', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='sealedversion',
            constraint=models.UniqueConstraint(fields=('certificate', 'version'), name='one_document_per_version'),
        ),
        migrations.AddConstraint(
            model_name='sealedversion',
            constraint=models.UniqueConstraint(fields=('certificate', 'run'), name='resealed_once_in_a_run'),
        ),
        migrations.AddConstraint(
            model_name='sealedversion',
            constraint=models.CheckConstraint(condition=models.Q(('document_size__gt', 0), ('version__gte', 2), ('document_digest__regex', '^[0-9a-f]{64}$'), ('key_fingerprint__regex', '^[0-9a-f]{64}$'), models.Q(('document', ''), _negated=True)), name='version_is_whole'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sealedversion',
            trigger=pgtrigger.compiler.Trigger(name='versions_are_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='b2b10299e7eaf4c39f6faedd82d9c50107500d45', operation='UPDATE OR DELETE', pgid='pgtrigger_versions_are_kept_42f20', table='certificates_sealedversion', when='BEFORE')),
        ),
    ]
