from django.db import migrations


class Migration(migrations.Migration):
    """Half of each page stays free: a month's rows change their status once, all together, and then fit beside their old
    versions, so that no index is touched (a heap-only update)."""

    dependencies = [("contributions", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE contributions_charge SET (fillfactor = 50); ALTER TABLE contributions_debitline SET (fillfactor = 50)",
            "ALTER TABLE contributions_charge RESET (fillfactor); ALTER TABLE contributions_debitline RESET (fillfactor)",
        )
    ]
