"""The services about money that texts send people to."""

from django.utils.translation import gettext_lazy as _

from portal.hall.ways import To

# The account that the monthly debit draws on.
ACCOUNT = To("bank-account", what=_("登记缴费账户"))
PAY = To("flexible-pay", what=_("缴费"))
PAY_CHILD = To("child-medical-pay", what=_("缴费"))
SETTLE = To("recollect", "arrears-pay", "flexible-pay", what=_("补缴"))
# An employer's late months.
BILL = To("employer-arrears", what=_("补缴"))
TAKE_BACK = To("duplicate-refund", what=_("办理重复缴费退费"))
WRITE_OFF = To("arrears-write-off", what=_("注销欠费"))
# Months that are missing at the retirement age.
DEFER = To("deferred-contribution", what=_("办理延缴登记"))
LUMP = To("lump-sum", what=_("办理趸缴登记"))
MOVE_IN = To("pension-in", what=_("办理养老保险关系转入"))
# Name, number and household on file.
MEND = To("identity-change", what=_("办理个人基本信息变更"))
