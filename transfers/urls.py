from django.urls import path

from transfers import views

urlpatterns = [
    path("transfers/", views.transfers, name="transfers"),
    path("transfers/<slug:number>/", views.transfer, name="transfer"),
    path("transfers/<slug:number>/cancel/", views.cancel, name="transfer-cancel"),
    path("transfers/<slug:number>/again/", views.again, name="transfer-again"),
]
