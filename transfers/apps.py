from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TransfersConfig(AppConfig):
    name = "transfers"
    verbose_name = _("关系转移接续")

    def ready(self) -> None:
        from certificates import presenting
        from portal.people import belonging
        from transfers import documents, queries

        belonging.register(queries.moving_to)

        for schema in (documents.VOUCHER_SCHEMA, documents.LETTER_SCHEMA, documents.FORM_SCHEMA):
            presenting.register(schema, documents.READING)
