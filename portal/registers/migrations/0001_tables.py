import portal.columns
import portal.registers.models
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("registers", "0001_initial"),
        ("registers", "0002_bank_accounts_and_cards"),
        ("registers", "0003_medical_accounts"),
        ("registers", "0004_names_in_one_form"),
    ]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="HouseholdRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("identity_number", models.CharField(max_length=18, unique=True, verbose_name="身份证号码")),
                ("name", portal.columns.NameField(max_length=60, verbose_name="姓名")),
                ("place_code", models.CharField(max_length=6, verbose_name="户籍地区划代码")),
                ("settled_on", models.DateField(blank=True, null=True, verbose_name="入户日期")),
            ],
            options={
                "verbose_name": "户籍登记",
                "verbose_name_plural": "户籍登记",
                "constraints": [
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
                        name="household_record_name_in_form",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BankAccountRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bank", models.CharField(max_length=20, verbose_name="银行代码")),
                ("number", models.CharField(max_length=32, verbose_name="账号")),
                ("holder", portal.columns.NameField(max_length=60, verbose_name="户名")),
                ("identity_number", models.CharField(max_length=18, verbose_name="身份证号码")),
            ],
            options={
                "verbose_name": "银行账户登记",
                "verbose_name_plural": "银行账户登记",
                "constraints": [
                    models.UniqueConstraint(fields=("bank", "number"), name="one_record_per_account"),
                    models.CheckConstraint(condition=models.Q(("number__regex", "^[0-9]{8,32}$")), name="account_record_number_digits"),
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
                        name="account_record_holder_in_form",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SecurityCardRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("identity_number", models.CharField(max_length=18, unique=True, verbose_name="身份证号码")),
                ("bank", models.CharField(max_length=20, verbose_name="银行代码")),
                ("number", models.CharField(max_length=32, unique=True, verbose_name="卡号")),
                ("activated", models.BooleanField(default=False, verbose_name="金融账户已激活")),
            ],
            options={
                "verbose_name": "社会保障卡登记",
                "verbose_name_plural": "社会保障卡登记",
                "constraints": [models.CheckConstraint(condition=models.Q(("number__regex", "^[0-9]{8,32}$")), name="card_record_number_digits")],
            },
        ),
        migrations.CreateModel(
            name="MedicalAccountRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("identity_number", models.CharField(max_length=18, verbose_name="身份证号码")),
                ("city", models.CharField(max_length=30, verbose_name="城市")),
                ("number", models.CharField(max_length=32, verbose_name="社会保障卡卡号")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "正常"), ("frozen", "冻结"), ("closed", "已注销")],
                        default=portal.registers.models.AccountState["OPEN"],
                        max_length=6,
                        verbose_name="账户状态",
                    ),
                ),
            ],
            options={
                "verbose_name": "医保个人账户登记",
                "verbose_name_plural": "医保个人账户登记",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("state__in", ["open", "frozen", "closed"])), name="medical_account_state_known"),
                    models.UniqueConstraint(fields=("identity_number", "city"), name="one_medical_account_per_city"),
                    models.CheckConstraint(condition=models.Q(("number__regex", "^[0-9]{8,32}$")), name="medical_account_card_digits"),
                ],
            },
        ),
    ]
