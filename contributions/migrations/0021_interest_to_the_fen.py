"""Interest that was reckoned with product ÷ 12 cut before it was multiplied is marked where that made it a fen short."""

from django.db import migrations, models

# The table's rows are kept as they are by a trigger, which this alone may pass.
MARK = """
ALTER TABLE contributions_accountinterest DISABLE TRIGGER USER;
UPDATE contributions_accountinterest SET cut = true
WHERE 24 * interest_fen - 2 * (12 * opening_fen + product) * rate = -12;
ALTER TABLE contributions_accountinterest ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):
    dependencies = [("contributions", "0020_unpaid_cases")]

    operations = [
        migrations.AddField(
            model_name="accountinterest",
            name="cut",
            field=models.BooleanField(default=False, editable=False, verbose_name="少计一分"),
        ),
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
    ]
