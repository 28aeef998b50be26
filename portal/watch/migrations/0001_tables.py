from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [("watch", "0001_failures_and_tasks")]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Failure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("task", models.CharField(max_length=60, verbose_name="任务")),
                ("item", models.CharField(blank=True, max_length=200, verbose_name="对象")),
                ("city", models.CharField(blank=True, max_length=30, verbose_name="城市")),
                ("first_at", models.DateTimeField(verbose_name="首次出现")),
                ("last_at", models.DateTimeField(verbose_name="最近出现")),
                ("count", models.PositiveIntegerField(default=1, verbose_name="次数")),
                ("message", models.CharField(max_length=300, verbose_name="错误")),
                ("traceback", models.TextField(blank=True, verbose_name="程序位置")),
                ("resolved_at", models.DateTimeField(blank=True, null=True, verbose_name="解除时间")),
                ("resolved_by", models.CharField(blank=True, max_length=150, verbose_name="解除人")),
            ],
            options={
                "verbose_name": "系统运行",
                "verbose_name_plural": "系统运行",
                "default_permissions": ("view", "change"),
                "indexes": [models.Index(fields=["-last_at"], name="failure_by_time")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at__isnull", True)), fields=("task", "item"), name="one_open_failure_per_task_and_item"
                    ),
                    models.CheckConstraint(condition=models.Q(("count__gte", 1), ("last_at__gte", models.F("first_at"))), name="failure_in_order"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TaskState",
            fields=[
                ("task", models.CharField(max_length=60, primary_key=True, serialize=False, verbose_name="任务")),
                ("known_since", models.DateTimeField(verbose_name="登记时间")),
                ("begun_at", models.DateTimeField(blank=True, null=True, verbose_name="最近开始")),
                ("succeeded_at", models.DateTimeField(blank=True, null=True, verbose_name="最近完成")),
                ("failed_at", models.DateTimeField(blank=True, null=True, verbose_name="最近中断")),
                ("seconds", models.FloatField(blank=True, null=True, verbose_name="耗时（秒）")),
            ],
            options={
                "verbose_name": "定时任务",
                "verbose_name_plural": "定时任务",
            },
        ),
        migrations.CreateModel(
            name="KnownTime",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "可信时间",
                "verbose_name_plural": "可信时间",
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="one_known_time")],
            },
        ),
    ]
