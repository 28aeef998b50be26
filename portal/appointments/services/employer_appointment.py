"""单位预约办事: an employer's clerk books a time at a window."""

from django.utils.translation import gettext_lazy

from portal.appointments.service import AppointmentService
from portal.hall.service import Audience


class EmployerAppointment(AppointmentService):
    code = "employer-appointment"
    title = gettext_lazy("单位预约办事")
    audience = Audience.EMPLOYER
