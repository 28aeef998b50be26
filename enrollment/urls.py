from django.urls import path

from enrollment import roster_views

urlpatterns = [
    path("employer/bases/", roster_views.roster, name="employer-bases"),
    path("employer/bases/list.xlsx", roster_views.download, name="employer-bases-list"),
    path("employer/bases/upload/", roster_views.upload, name="employer-bases-upload"),
    path("employer/bases/problems/", roster_views.problems, name="employer-bases-problems"),
    path("employer/bases/sent/<int:pk>/", roster_views.sent, name="employer-bases-sent"),
]
