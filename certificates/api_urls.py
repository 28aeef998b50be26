from django.urls import path

from certificates import api

urlpatterns = [
    path("proofs/by-code/", api.CodeView.as_view(), name="api-proof-by-code"),
    path("proofs/by-digest/", api.DigestView.as_view(), name="api-proof-by-digest"),
    path("proofs/by-file/", api.FileView.as_view(), name="api-proof-by-file"),
]
