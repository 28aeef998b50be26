"""What partners send and are told about orders. Amounts are fen; months are written 2026-11; times
carry their zone."""

import datetime as dt
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from contributions.models import (
    CHARGE_LIFE_CYCLE,
    ORDER_LIFE_CYCLE,
    PAYMENT_LIFE_CYCLE,
    SURCHARGE_KIND_LABELS,
    ChargeStatus,
    SurchargeKind,
)
from portal.columns import choices
from portal.partners.fields import City, IdentityNumber, Months, MonthText, Text, WholeNumber
from portal.shared.insurance import INSURANCE_CHOICES

# The partner's own number of a payment or reversal.
_NUMBER = r"^[A-Za-z0-9_-]{6,40}$"


class ProviderNumber(serializers.RegexField):
    def __init__(self, **more: Any) -> None:
        super().__init__(
            _NUMBER, error_messages={"invalid": _("流水号为 6 至 40 个字母、数字、连字符或下划线。")}, **more
        )


class PayerSerializer(serializers.Serializer[Any]):
    """Whose contributions these are, in which city."""

    city = City(max_length=30, help_text="城市代码，如 wuxi")
    identity_number = IdentityNumber(max_length=40)
    name = Text(max_length=60)


class PickSerializer(serializers.Serializer[Any]):
    insurance = serializers.ChoiceField(choices=INSURANCE_CHOICES)
    tier = Text(max_length=20)
    months = Months(min_length=1, max_length=36)


class LatePickSerializer(serializers.Serializer[Any]):
    insurance = serializers.ChoiceField(choices=INSURANCE_CHOICES)
    months = Months(min_length=1, max_length=120)


class NewOrderSerializer(PayerSerializer):
    """Either ``picks``, months of now at chosen tiers, or ``arrears``, late months at what they
    cost today."""

    picks = serializers.ListField(
        child=PickSerializer(), min_length=1, max_length=5, required=False, help_text="当期月份，选档次"
    )
    arrears = serializers.ListField(
        child=LatePickSerializer(),
        min_length=1,
        max_length=5,
        required=False,
        help_text="历史欠费，按当日金额",
    )

    def validate_picks(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _each_once(value)

    def validate_arrears(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _each_once(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("picks" in attrs) == ("arrears" in attrs):
            why = _("picks（当期月份）和 arrears（历史欠费）须填且只填一项，各下一单。")
            raise serializers.ValidationError({"picks": [why]})
        return attrs


def _each_once(picks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len({one["insurance"] for one in picks}) < len(picks):
        raise serializers.ValidationError(_("每个险种只写一次。"))
    return picks


class NewPaymentSerializer(serializers.Serializer[Any]):
    amount_fen = WholeNumber(min_value=1, max_value=10**12, help_text="收到的金额，分")
    provider_number = ProviderNumber(help_text="合作方的收款流水号，永不重复")
    taken_at = serializers.DateTimeField(help_text="合作方收款的时间")

    def validate_taken_at(self, value: dt.datetime) -> dt.datetime:
        if value > self.context["now"] + dt.timedelta(minutes=5):
            raise serializers.ValidationError(_("收款时间在将来，请校准时钟。"))
        return value


class NewReversalSerializer(serializers.Serializer[Any]):
    provider_number = ProviderNumber(help_text="合作方的冲正流水号，永不重复")
    reason = Text(max_length=80)


class NewRefundRequestSerializer(serializers.Serializer[Any]):
    reason = Text(max_length=80, help_text="缴费人为什么要求撤销")


class RefundDoneSerializer(serializers.Serializer[Any]):
    provider_number = ProviderNumber(help_text="合作方的退款流水号，永不重复")


# What partners are told


class MaskedPersonSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    identity_number = serializers.CharField()


class TierSerializer(serializers.Serializer[Any]):
    tier = serializers.CharField()
    title = serializers.CharField()
    amount_fen = serializers.IntegerField()


class DueMonthSerializer(serializers.Serializer[Any]):
    month = MonthText()
    tiers = TierSerializer(many=True, help_text="这个月可选的档次和金额")
    debit_failed = serializers.CharField(allow_blank=True, help_text="最近一次托收扣款失败的原因")


class BarredMonthSerializer(serializers.Serializer[Any]):
    month = MonthText()
    why = serializers.CharField()


class DueSerializer(serializers.Serializer[Any]):
    insurance = serializers.ChoiceField(choices=INSURANCE_CHOICES)
    title = serializers.CharField()
    tier_now = serializers.CharField(allow_blank=True, help_text="目前的缴费档次")
    months = DueMonthSerializer(many=True)
    barred = BarredMonthSerializer(many=True)


class StepSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.CharField()
    note = serializers.CharField(allow_blank=True)


class DerivationSerializer(serializers.Serializer[Any]):
    """为什么是这个数: the steps, since when the figures are in force, and the document behind
    them."""

    steps = StepSerializer(many=True)
    since = serializers.DateField()
    reference = serializers.CharField()
    illustrative = serializers.BooleanField(help_text="是否为示例值")


class LateMonthSerializer(serializers.Serializer[Any]):
    insurance = serializers.ChoiceField(choices=INSURANCE_CHOICES)
    title = serializers.CharField()
    month = MonthText()
    status = serializers.ChoiceField(
        choices=[(one, CHARGE_LIFE_CYCLE.label(one)) for one in (ChargeStatus.OWED, ChargeStatus.WRITTEN_OFF)]
    )
    due_on = serializers.DateField(help_text="缴费期限")
    paid_on = serializers.DateField(allow_null=True, help_text="金额算到哪一天")
    principal_fen = serializers.IntegerField(allow_null=True, help_text="本金；没有标准的为空")
    surcharge_fen = serializers.IntegerField(allow_null=True, help_text="利息或滞纳金")
    surcharge_kind = serializers.ChoiceField(
        choices=[(str(one), SURCHARGE_KIND_LABELS[one]) for one in SurchargeKind], allow_blank=True
    )
    amount_fen = serializers.IntegerField(allow_null=True, help_text="合计")
    principal_why = DerivationSerializer(allow_null=True)
    surcharge_why = DerivationSerializer(allow_null=True)
    debit_failed = serializers.CharField(allow_blank=True, help_text="最近一次托收扣款失败的原因")
    barred = serializers.CharField(allow_blank=True, help_text="为什么不能下单；空为可以")


class DuesSerializer(serializers.Serializer[Any]):
    person = MaskedPersonSerializer()
    city = serializers.CharField()
    opens_at = serializers.DateTimeField(
        allow_null=True, help_text="银行营业时间之外：何时可以下单；营业时为空"
    )
    dues = DueSerializer(many=True)
    arrears = LateMonthSerializer(many=True, help_text="dues 没有列出的历史欠费")


class OrderLineSerializer(serializers.Serializer[Any]):
    insurance = serializers.ChoiceField(choices=INSURANCE_CHOICES)
    month = MonthText()
    principal_fen = serializers.IntegerField()
    surcharge_fen = serializers.IntegerField(help_text="利息或滞纳金")
    amount_fen = serializers.IntegerField()


class ReversalSerializer(serializers.Serializer[Any]):
    provider_number = serializers.CharField()
    payment_number = serializers.CharField(help_text="所冲正的收款流水号")
    order_number = serializers.CharField()
    amount_fen = serializers.IntegerField()
    reason = serializers.CharField()
    business_day = serializers.DateField(help_text="列入哪一天的对账文件")
    at = serializers.DateTimeField()


class RefundRequestSerializer(serializers.Serializer[Any]):
    payment_number = serializers.CharField(help_text="申请撤销的收款流水号")
    order_number = serializers.CharField()
    amount_fen = serializers.IntegerField()
    reason = serializers.CharField()
    asked_at = serializers.DateTimeField()
    status = serializers.ChoiceField(
        choices=[("waiting", "待处理"), ("granted", "已同意，款项见待退款项"), ("declined", "不予撤销")]
    )
    why = serializers.CharField(allow_blank=True, help_text="不予撤销的原因")


class PaymentSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    order_number = serializers.CharField()
    status = serializers.ChoiceField(choices=choices(PAYMENT_LIFE_CYCLE.labels))
    credited = serializers.BooleanField(help_text="是否已入账。没有入账的款项待退回")
    amount_fen = serializers.IntegerField()
    provider_number = serializers.CharField()
    business_day = serializers.DateField(help_text="列入哪一天的对账文件")
    message = serializers.CharField(allow_blank=True)
    reversal = ReversalSerializer(allow_null=True)
    refund_request = RefundRequestSerializer(allow_null=True, help_text="过了对账日的撤销申请，最近一次")


class OrderSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    city = serializers.CharField()
    person = MaskedPersonSerializer()
    status = serializers.ChoiceField(choices=choices(ORDER_LIFE_CYCLE.labels))
    sum_fen = serializers.IntegerField()
    placed_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    lines = OrderLineSerializer(many=True)
    payments = PaymentSerializer(many=True)


class RefundSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    payment_number = serializers.CharField(help_text="所退的收款流水号")
    order_number = serializers.CharField()
    amount_fen = serializers.IntegerField()
    reason = serializers.CharField()
    done = serializers.BooleanField()
    provider_number = serializers.CharField(allow_blank=True)
