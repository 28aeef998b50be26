from django.urls import path

from enrollment.roster import pages

urlpatterns = [
    path("employer/bases/", pages.roster, name="employer-bases"),
    path("employer/bases/list.xlsx", pages.download, name="employer-bases-list"),
    path("employer/bases/upload/", pages.upload, name="employer-bases-upload"),
    path("employer/bases/problems/", pages.problems, name="employer-bases-problems"),
    path("employer/bases/sent/<int:pk>/", pages.sent, name="employer-bases-sent"),
]
