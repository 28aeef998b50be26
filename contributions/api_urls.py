from django.urls import path

from contributions.api import reconciliation, views

urlpatterns = [
    path("dues/", views.DuesView.as_view(), name="api-dues"),
    path("orders/", views.OrderListView.as_view(), name="api-orders"),
    path("orders/<str:number>/", views.OrderView.as_view(), name="api-order"),
    path("orders/<str:number>/cancel/", views.CancelView.as_view(), name="api-order-cancel"),
    path("orders/<str:number>/payments/", views.PaymentListView.as_view(), name="api-order-payments"),
    path("payments/<str:provider_number>/", views.PaymentView.as_view(), name="api-payment"),
    path("payments/<str:provider_number>/reversal/", views.ReversalView.as_view(), name="api-reversal"),
    path(
        "payments/<str:provider_number>/refund-request/",
        views.RefundRequestView.as_view(),
        name="api-refund-request",
    ),
    path("reconciliation/<str:day>/", reconciliation.DayView.as_view(), name="api-day"),
    path(
        "reconciliation/<str:day>/differences/",
        reconciliation.DifferencesView.as_view(),
        name="api-differences",
    ),
    path("refunds/", views.RefundListView.as_view(), name="api-refunds"),
    path("refunds/<str:number>/done/", views.RefundDoneView.as_view(), name="api-refund-done"),
]
