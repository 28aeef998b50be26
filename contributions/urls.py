from django.urls import path

from contributions import employer_views, order_views, views

urlpatterns = [
    path("record/", views.record, name="record"),
    path("record/account/", views.account, name="record-account"),
    path("record/charges/<int:pk>/", views.charge, name="record-charge"),
    path("employer/charges/", views.employer_charges, name="employer-charges"),
    path("employer/charges/<int:pk>/", employer_views.charge, name="employer-charge"),
    path("employer/assessments/", employer_views.assessments, name="employer-assessments"),
    path("employer/assessments/<int:pk>/", employer_views.assessment, name="employer-assessment"),
    path("employer/assessments/<int:pk>/confirm/", employer_views.confirm, name="employer-confirm"),
    path("employer/assessments/<int:pk>/order/", employer_views.order, name="employer-order"),
    path("employer/assessments/<int:pk>/lines.csv", employer_views.as_csv, name="employer-assessment-csv"),
    path("employer/assessments/<int:pk>/lines.xlsx", employer_views.as_xlsx, name="employer-assessment-xlsx"),
    path("employer/bills/<int:pk>/", employer_views.bill, name="employer-bill"),
    path("employer/assessments/<int:pk>/notice/", employer_views.assessment_notice, name="employer-notice"),
    path("employer/bills/<int:pk>/notice/", employer_views.bill_notice, name="employer-bill-notice"),
    path("orders/", order_views.order_list, name="orders"),
    path("orders/list/", order_views.paid_list, name="paid-list"),
    path("orders/<slug:number>/", order_views.order, name="order"),
    path("orders/<slug:number>/pay/", order_views.pay, name="order-pay"),
    path("orders/<slug:number>/card/", order_views.card, name="order-card"),
    path("orders/<slug:number>/payment/", order_views.payment, name="order-payment"),
    path("orders/<slug:number>/state/", order_views.state, name="order-state"),
    path("orders/<slug:number>/drop/", order_views.drop, name="order-drop"),
    path("orders/<slug:number>/cancel/", order_views.cancel, name="order-cancel"),
    path("pay/callbacks/<slug:channel>/", order_views.callback, name="payment-callback"),
]
