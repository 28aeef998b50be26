"""The addresses of the API that belong to no subject; each room brings those of its own under the
same prefix."""

from django.urls import path

from portal.partners import views

urlpatterns = [
    path("keys/", views.KeysView.as_view(), name="api-keys"),
    path("schema/", views.SchemaView.as_view(), name="api-schema"),
]
