import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One foreign key over (coverage, person, insurance) in place of one to the coverage and one to the person: it also holds that
    a charge's person and insurance are its coverage's own, and a million charges are checked once each, not twice. So the unique
    index by person, insurance and month is one by coverage and month, too."""

    dependencies = [
        ("contributions", "0002_room_for_status"),
        ("enrollment", "0001_initial"),
        ("people", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="charge", name="one_live_charge_per_coverage_and_month"),
        migrations.AlterField(
            model_name="charge",
            name="coverage",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="charges",
                to="enrollment.coverage",
                verbose_name="参保关系",
            ),
        ),
        migrations.AlterField(
            model_name="charge",
            name="person",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="charges",
                to="people.person",
                verbose_name="参保人",
            ),
        ),
        migrations.RunSQL(
            """
            ALTER TABLE enrollment_coverage ADD CONSTRAINT coverage_with_its_person UNIQUE (id, person_id, insurance);
            ALTER TABLE contributions_charge ADD CONSTRAINT charge_is_of_its_coverage
                FOREIGN KEY (coverage_id, person_id, insurance) REFERENCES enrollment_coverage (id, person_id, insurance)
                DEFERRABLE INITIALLY DEFERRED;
            """,
            """
            ALTER TABLE contributions_charge DROP CONSTRAINT charge_is_of_its_coverage;
            ALTER TABLE enrollment_coverage DROP CONSTRAINT coverage_with_its_person;
            """,
        ),
    ]
