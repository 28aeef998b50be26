from django.urls import path

from contributions.pages import employer_month, lump_sum, quote, record
from contributions.pages.orders import callbacks, lists, order, paying

urlpatterns = [
    path("record/", record.record, name="record"),
    path("record/account/", record.account, name="record-account"),
    path("record/charges/<int:pk>/", record.charge, name="record-charge"),
    path("employer/charges/", record.employer_charges, name="employer-charges"),
    path("employer/charges/<int:pk>/", employer_month.charge, name="employer-charge"),
    path("employer/assessments/", employer_month.assessments, name="employer-assessments"),
    path("employer/assessments/<int:pk>/", employer_month.assessment, name="employer-assessment"),
    path("employer/assessments/<int:pk>/confirm/", employer_month.confirm, name="employer-confirm"),
    path("employer/assessments/<int:pk>/order/", employer_month.order, name="employer-order"),
    path("employer/assessments/<int:pk>/lines.csv", employer_month.as_csv, name="employer-assessment-csv"),
    path("employer/assessments/<int:pk>/lines.xlsx", employer_month.as_xlsx, name="employer-assessment-xlsx"),
    path("employer/bills/<int:pk>/", employer_month.bill, name="employer-bill"),
    path("employer/assessments/<int:pk>/notice/", employer_month.assessment_notice, name="employer-notice"),
    path("employer/bills/<int:pk>/notice/", employer_month.bill_notice, name="employer-bill-notice"),
    path("lump-sums/<slug:number>/", lump_sum.show, name="lump-sum"),
    path("lump-sums/<slug:number>/order/", lump_sum.order, name="lump-sum-order"),
    path("orders/", lists.order_list, name="orders"),
    path("orders/list/", lists.paid_list, name="paid-list"),
    path("orders/<slug:number>/", order.show, name="order"),
    path("orders/<slug:number>/pay/", paying.pay, name="order-pay"),
    path("orders/<slug:number>/card/", paying.card, name="order-card"),
    path("orders/<slug:number>/payment/", paying.payment, name="order-payment"),
    path("orders/<slug:number>/state/", paying.state, name="order-state"),
    path("orders/<slug:number>/drop/", paying.drop, name="order-drop"),
    path("orders/<slug:number>/cancel/", paying.cancel, name="order-cancel"),
    path("<city:city>/quote/", quote.quote, name="quote"),
    path("pay/callbacks/<slug:channel>/", callbacks.callback, name="payment-callback"),
]
