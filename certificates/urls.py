from django.urls import path

from certificates import staff_views, views

urlpatterns = [
    path("verify/", views.verify, name="verify"),
    path("verify/offline/", views.verify_offline, name="verify-offline"),
    path("verify/<str:code>/", views.verify_by_code, name="verify-code"),
    path("proofs/", views.proofs, name="proofs"),
    path("cases/<str:number>/papers/<str:kind>/", views.case_paper, name="case-paper"),
    path("cases/<str:number>/window/<int:pk>/", views.window_paper, name="window-paper"),
    path("proofs/staff/<str:number>/", staff_views.staff_batch, name="staff-batch"),
    path("proofs/staff/<str:number>/state/", staff_views.state, name="staff-batch-state"),
    path("proofs/staff/<str:number>/archive/", staff_views.archive, name="staff-batch-archive"),
    path("proofs/staff/<str:number>/retry/", staff_views.retry, name="staff-batch-retry"),
    path("proofs/<str:serial_number>/", views.certificate, name="certificate"),
    path("proofs/<str:serial_number>/document/", views.document, name="certificate-download"),
    path("proofs/<str:serial_number>/revoke/", views.take_back, name="certificate-take-back"),
]
