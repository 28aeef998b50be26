"""What was acknowledged survives a restart: that rests on settings of the database server and on
files, and both can be read.

Whether a disk keeps what it says it has written is told by pulling its plug alone;
``docs/faults.md`` names the tests that kill.
"""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from contributions.bank_files import exchange
from contributions.models import BankFile, Direction

# With one of these off a commit is told before it is on the disk, or a page is torn when the power
# fails.
_ON = ("fsync", "full_page_writes", "synchronous_commit")


def forgetful_server() -> Iterator[str]:
    """Settings by which the server may forget what it has confirmed, as they are for our own
    sessions."""
    if settings.DATABASE_IS_THROWN_AWAY:
        return
    with connection.cursor() as cursor:
        for name in _ON:
            cursor.execute("SELECT current_setting(%s)", [name])
            if cursor.fetchone() == ("off",):
                yield _("数据库设置 {name} 为 off，已确认的数据可能在断电后丢失").format(name=name)


# Tables without a log are empty after a crash.
UNLOGGED = """
    SELECT format('表 %s 不写日志，数据库异常重启后会被清空', relname) FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relpersistence = 'u'
"""


def lost_answers() -> Iterator[str]:
    """Answers of banks that were dealt with and are no longer there, byte for byte."""
    kept = BankFile.objects.filter(direction=Direction.IN).order_by("pk").values_list("name", "digest")
    for name, digest in kept.iterator():
        places = [exchange.put_away_at(folder, name, digest) for folder in (exchange.ARCHIVE, exchange.HELD)]
        # One that was read and not yet put away still lies where it arrived.
        places.append(exchange.folder(exchange.INBOX) / name)
        if not any(place.exists() and exchange.fingerprint_of(place).digest == digest for place in places):
            yield _("银行返回文件 {name} 缺失或与登记的摘要不符").format(name=name)


CHECKS = (forgetful_server, UNLOGGED, lost_answers)
