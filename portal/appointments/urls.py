from django.urls import path

from portal.appointments import choosing, views, windows

urlpatterns = [
    path("<city:city>/windows/", windows.windows, name="windows"),
    path("<city:city>/services/<slug:code>/times/", choosing.times, name="appointment-times"),
    path("appointments/", views.appointments, name="appointments"),
    path("appointments/<slug:number>/", views.appointment, name="appointment"),
    path("appointments/<slug:number>/slip/", views.slip, name="appointment-slip"),
    path("appointments/<slug:number>/calendar.ics", views.calendar_file, name="appointment-calendar"),
    path("appointments/<slug:number>/move/", views.move, name="appointment-move"),
    path("appointments/<slug:number>/cancel/", views.cancel, name="appointment-cancel"),
]
