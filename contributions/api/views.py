"""The addresses of orders and payments. A view reads the request, makes one domain call, and tells
the outcome."""

import datetime as dt
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contributions.api import serializers, telling
from contributions.arrears import paying_late
from contributions.channels.protocol import Answer, Outcome
from contributions.models import Order, Payment, Refund, RefundStatus
from contributions.orders import bank_time, ending, payable, placing
from contributions.orders.answers import CLOCKS_DIFFER
from contributions.partners import late_reversals, ordering
from contributions.refunds import sending
from portal.accounts.lookups import TooManyLookups, look_up
from portal.partners.authentication import caller, ensure_city
from portal.partners.models import Scope
from portal.partners.once import domain_key, once
from portal.partners.problems import Mistake, Problem
from portal.partners.schema import answers
from portal.partners.views import PartnerView
from portal.people.models import Person
from portal.policy.book import PolicyMissing
from portal.shared import names
from portal.shared.insurance import Insurance

LOOK = "合作方缴费查询"


class OrdersView(PartnerView):
    """For partners of the scope of orders; what another placed or took does not exist."""

    scope = Scope.ORDERS

    def _read(self, serializer: Any, request: Request) -> dict[str, Any]:
        read = serializer(data=request.data, context={"now": timezone.now()})
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)

    def _person(self, request: Request, read: dict[str, Any], now: dt.datetime) -> Person:
        """The person of that number and name. One answer for a number that nobody has and for a
        name that does not fit."""
        ensure_city(request, read["city"])
        partner = caller(request).partner
        try:
            person = look_up(
                user=partner.user,
                identity_number=read["identity_number"],
                purpose=LOOK,
                now=now,
                # A bank serves a queue; it is its own limit of requests that holds it.
                most=partner.per_minute * 60,
            )
        except TooManyLookups as error:
            raise Problem("too_many_people", _("本小时查询人数已达上限，请稍后再查。"), status=429) from error
        if person is None or not names.agree(person.name, read["name"]):
            raise Problem("person_not_found", _("没有姓名与身份证号码相符的参保人，请核对。"), status=404)
        return person

    def _order(self, request: Request, number: str) -> Order:
        return get_object_or_404(ordering.orders_of(caller(request).partner), number=number)

    def _payment(self, request: Request, provider_number: str) -> Payment:
        payments = Payment.objects.filter(channel=caller(request).partner.channel).select_related(
            "order", "entry"
        )
        return get_object_or_404(payments, provider_number=provider_number)

    def _refunds(self, request: Request) -> QuerySet[Refund]:
        return Refund.objects.filter(channel=caller(request).partner.channel).select_related("payment__order")


class DuesView(OrdersView):
    @extend_schema(
        summary="查询应缴",
        operation_id="dues",
        request=serializers.PayerSerializer,
        responses=answers(serializers.DuesSerializer, 400, 404, 422),
    )
    def post(self, request: Request) -> Response:
        """What a person owes and may pay as a flexible worker, with the prices of the day. Asked
        anew each time: no answer is kept."""
        now = timezone.now()
        read = self._read(serializers.PayerSerializer, request)
        person = self._person(request, read, now)
        opens_at = _opens_at(read["city"], now)
        payables = payable.payable(person, read["city"], now=now)
        late = paying_late.orderable(person, read["city"], now=now)
        return Response(telling.dues(person, read["city"], payables, late, opens_at))


class OrderListView(OrdersView):
    @extend_schema(
        summary="下单",
        operation_id="place_order",
        request=serializers.NewOrderSerializer,
        responses=answers(serializers.OrderSerializer, 400, 404, 409, 422, status=201),
    )
    @once
    def post(self, request: Request) -> Response:
        """Order months at tiers, or late months at what they cost today; the price is the hall's.
        Nothing is ordered outside the bank's hours."""
        now = timezone.now()
        read = self._read(serializers.NewOrderSerializer, request)
        person, city = self._person(request, read, now), read["city"]
        if opens_at := _opens_at(city, now):
            raise Problem(
                "bank_closed",
                _("银行营业时间之外不能缴费，请在 %(time)s 以后下单。")
                % {"time": f"{timezone.localtime(opens_at):%Y-%m-%d %H:%M}"},
                status=409,
                more={"opens_at": timezone.localtime(opens_at).isoformat()},
            )
        field = "arrears" if "arrears" in read else "picks"
        common: dict[str, Any] = {"key": domain_key(request), "by": caller(request).partner.user, "now": now}
        try:
            if field == "arrears":
                late = {Insurance(one["insurance"]): one["months"] for one in read["arrears"]}
                order = paying_late.order_months(person, city, late, **common)
            else:
                picks = {Insurance(one["insurance"]): (one["tier"], one["months"]) for one in read["picks"]}
                order = placing.place(person=person, city=city, picks=picks, **common)
        except placing.CannotOrder as error:
            mistakes = [Mistake(place, why) for place, why in telling.refusals(error, field)]
            raise Problem(
                "cannot_order", _("所选的不能下单，请按 errors 更正。"), mistakes=mistakes
            ) from error
        except PolicyMissing as error:
            raise Problem("no_orders_here", _("这个城市不受理缴费订单。")) from error
        return Response(telling.order(order, caller(request).partner), status=201)


class OrderView(OrdersView):
    @extend_schema(
        summary="查询订单", operation_id="order", responses=answers(serializers.OrderSerializer, 404)
    )
    def get(self, request: Request, number: str) -> Response:
        """An order and every payment of it: what became of it, where an answer was lost."""
        return Response(telling.order(self._order(request, number), caller(request).partner))


class CancelView(OrdersView):
    @extend_schema(
        summary="取消订单",
        operation_id="cancel_order",
        request=None,
        responses=answers(serializers.OrderSerializer, 400, 404, 409),
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        """Let go an order that nobody will pay; one that has ended stays as it is."""
        order = self._order(request, number)
        try:
            ended = ending.cancel_unpaid(order, by=caller(request).partner.user, now=timezone.now())
        except ending.StillPaying as error:
            raise Problem(
                "payment_under_way", _("订单正在其他渠道支付，结果确认前不能取消。"), status=409
            ) from error
        return Response(telling.order(ended, caller(request).partner))


class PaymentListView(OrdersView):
    @extend_schema(
        summary="通知收款",
        operation_id="tell_payment",
        request=serializers.NewPaymentSerializer,
        responses=answers(serializers.PaymentSerializer, 400, 404, 409, 422, status=201),
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        """Tell of money taken for an order. It is always recorded; ``credited`` says whether it
        paid the order."""
        now, partner = timezone.now(), caller(request).partner
        order = self._order(request, number)
        read = self._read(serializers.NewPaymentSerializer, request)
        if read["taken_at"] < order.placed_at - CLOCKS_DIFFER:
            why = _("收款时间早于下单时间 %(at)s，请核对。") % {
                "at": f"{timezone.localtime(order.placed_at):%Y-%m-%d %H:%M:%S}"
            }
            raise Problem(
                "taken_before_order", _("收款时间不可能早于下单。"), mistakes=[Mistake("taken_at", why)]
            )
        try:
            payment = ordering.confirm(order=order, partner=partner, **read, by=partner.user, now=now)
        except ordering.NumberUsed as error:
            raise _number_used() from error
        return Response(telling.payment(payment, partner), status=201)


class PaymentView(OrdersView):
    @extend_schema(
        summary="查询收款", operation_id="payment", responses=answers(serializers.PaymentSerializer, 404)
    )
    def get(self, request: Request, provider_number: str) -> Response:
        """A payment by the partner's own number. 404 means that the hall never heard of it: tell it
        again."""
        return Response(telling.payment(self._payment(request, provider_number), caller(request).partner))


class ReversalView(OrdersView):
    @extend_schema(
        summary="当日冲正",
        operation_id="reverse_payment",
        request=serializers.NewReversalSerializer,
        responses=answers(serializers.ReversalSerializer, 400, 404, 409, 422, status=201),
    )
    @once
    def post(self, request: Request, provider_number: str) -> Response:
        """Reverse a payment on its business day: the partner gives the payer the money back, the
        months are owed as before."""
        now, partner = timezone.now(), caller(request).partner
        payment = self._payment(request, provider_number)
        read = self._read(serializers.NewReversalSerializer, request)
        try:
            done = ordering.reverse(payment=payment, **read, by=partner.user, now=now)
        except ordering.NumberUsed as error:
            raise _number_used() from error
        except ordering.CannotReverse as why:
            raise Problem(why.code, str(why), status=409) from why
        return Response(telling.reversal(done, payment), status=201)


class RefundRequestView(OrdersView):
    @extend_schema(
        summary="申请撤销缴费",
        operation_id="request_refund",
        request=serializers.NewRefundRequestSerializer,
        responses=answers(serializers.RefundRequestSerializer, 400, 404, 409, 422, status=201),
    )
    @once
    def post(self, request: Request, provider_number: str) -> Response:
        """Ask for a payment to be undone once its business day is over. The agency decides; what it
        grants is given back by a refund through the partner."""
        payment = self._payment(request, provider_number)
        reason = self._read(serializers.NewRefundRequestSerializer, request)["reason"]
        try:
            request_made = late_reversals.ask(
                payment=payment, partner=caller(request).partner, reason=reason, now=timezone.now()
            )
        except ordering.CannotReverse as why:
            raise Problem(why.code, str(why), status=409) from why
        return Response(telling.refund_request(request_made, payment), status=201)


class RefundListView(OrdersView):
    @extend_schema(
        summary="待退款项",
        operation_id="refunds",
        responses=answers(serializers.RefundSerializer(many=True)),
    )
    def get(self, request: Request) -> Response:
        """What the hall has decided to give back through this partner that is not done yet; at most
        500, oldest first."""
        waiting = self._refunds(request).filter(status=RefundStatus.SENT).order_by("pk")[:500]
        return Response([telling.refund(one) for one in waiting])


class RefundDoneView(OrdersView):
    @extend_schema(
        summary="通知已退款",
        operation_id="tell_refund",
        request=serializers.RefundDoneSerializer,
        responses=answers(serializers.RefundSerializer, 400, 404, 409, 422),
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        """Tell that a refund was paid out to the payer, under the partner's own number."""
        refund = self._refunds(request).filter(number=number).first()
        if refund is None or refund.status not in (RefundStatus.SENT, RefundStatus.SUCCEEDED):
            raise Http404
        provider_number = self._read(serializers.RefundDoneSerializer, request)["provider_number"]
        answer = Answer(refund.number, Outcome.SUCCEEDED, refund.amount_fen, provider_number)
        try:
            with transaction.atomic():
                sending.take_answer(refund, answer, by=caller(request).partner.user, now=timezone.now())
        except IntegrityError as error:
            raise _number_used() from error
        refund.refresh_from_db()
        if refund.provider_number != provider_number:
            raise _number_used()
        return Response(telling.refund(refund))


def _opens_at(city: str, now: dt.datetime) -> dt.datetime | None:
    """When the city's bank opens next; None while it is open, and where the city takes no
    orders."""
    try:
        opening = bank_time.opening(city, now)
    except PolicyMissing:
        return None
    return opening if opening > now else None


def _number_used() -> Problem:
    return Problem("provider_number_used", _("这个流水号已用于另一笔业务，请核对。"), status=409)
