from django.urls import path

from certificates import views

urlpatterns = [
    path("verify/", views.verify, name="verify"),
    path("verify/offline/", views.verify_offline, name="verify-offline"),
    path("verify/<str:code>/", views.verify_by_code, name="verify-code"),
    path("proofs/", views.proofs, name="proofs"),
    path("proofs/<str:serial_number>/", views.certificate, name="certificate"),
    path("proofs/<str:serial_number>/document/", views.document, name="certificate-download"),
    path("proofs/<str:serial_number>/revoke/", views.take_back, name="certificate-take-back"),
]
