import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_proxies'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('people', '0004_employers_open_online'),
    ]

    operations = [
        migrations.CreateModel(
            name='ClerkInvitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('phone', models.CharField(max_length=20, verbose_name='手机号码')),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('invited_at', models.DateTimeField(verbose_name='邀请时间')),
                ('good_until', models.DateTimeField(verbose_name='有效期至')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='撤回时间')),
                ('taken_at', models.DateTimeField(blank=True, null=True, verbose_name='开通时间')),
            ],
            options={
                'verbose_name': '经办人邀请',
                'verbose_name_plural': '经办人邀请',
                'ordering': ('-invited_at', '-pk'),
            },
        ),
        migrations.AddField(
            model_name='user',
            name='manages_clerks',
            field=models.BooleanField(db_default=False, default=False, help_text='可以邀请和停用本单位的其他经办人。', verbose_name='管理本单位经办人'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('manages_clerks', False), ('kind', 'clerk'), _connector='OR'), name='only_clerks_manage_clerks'),
        ),
        # Of the clerks that there are, each employer's first manages the others.
        migrations.RunSQL(
            "UPDATE accounts_user SET manages_clerks = true WHERE id IN"
            " (SELECT min(id) FROM accounts_user WHERE kind = 'clerk' AND is_active GROUP BY employer_id)",
            migrations.RunSQL.noop,
        ),
        migrations.AddField(
            model_name='clerkinvitation',
            name='employer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='people.employer', verbose_name='单位'),
        ),
        migrations.AddField(
            model_name='clerkinvitation',
            name='invited_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='邀请人'),
        ),
        migrations.AddField(
            model_name='clerkinvitation',
            name='taken_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='开通的经办人'),
        ),
        migrations.AddConstraint(
            model_name='clerkinvitation',
            constraint=models.UniqueConstraint(condition=models.Q(('taken_at', None), ('withdrawn_at', None)), fields=('employer', 'phone'), name='one_open_invitation_of_a_phone'),
        ),
        migrations.AddConstraint(
            model_name='clerkinvitation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('taken_at', None), ('taken_by', None)), models.Q(('taken_at__isnull', False), ('taken_by__isnull', False), ('withdrawn_at', None)), _connector='OR'), name='invitation_is_taken_or_withdrawn'),
        ),
        migrations.AddConstraint(
            model_name='clerkinvitation',
            constraint=models.CheckConstraint(condition=models.Q(('good_until__gt', models.F('invited_at'))), name='invitation_ends_after_it_began'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='clerkinvitation',
            trigger=pgtrigger.compiler.Trigger(name='invitations_stay_as_sent', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN ((OLD.employer_id, OLD.phone, OLD.digest, OLD.invited_by_id, OLD.invited_at, OLD.good_until) IS DISTINCT FROM (NEW.employer_id, NEW.phone, NEW.digest, NEW.invited_by_id, NEW.invited_at, NEW.good_until) OR OLD.withdrawn_at IS NOT NULL OR OLD.taken_at IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='21ca959acb9b1fdf7e36b99cbda36b1a363cf60e', operation='UPDATE', pgid='pgtrigger_invitations_stay_as_sent_b1f29', table='accounts_clerkinvitation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='clerkinvitation',
            trigger=pgtrigger.compiler.Trigger(name='invitations_are_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='db87dfed43fcb4a4d4b9e5f86353b39557dd7831', operation='DELETE', pgid='pgtrigger_invitations_are_kept_40193', table='accounts_clerkinvitation', when='BEFORE')),
        ),
    ]
