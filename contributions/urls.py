from django.urls import path

from contributions import views

urlpatterns = [
    path("record/", views.record, name="record"),
    path("record/charges/<int:pk>/", views.charge, name="record-charge"),
    path("employer/charges/", views.employer_charges, name="employer-charges"),
]
