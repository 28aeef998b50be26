from django.urls import path

from transfers import api

urlpatterns = [
    path("transfers/messages/", api.MessagesView.as_view(), name="api-transfer-messages"),
    path(
        "transfers/documents/<str:serial_number>/",
        api.DocumentView.as_view(),
        name="api-transfer-document",
    ),
]
