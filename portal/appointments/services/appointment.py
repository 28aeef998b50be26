"""预约办事: a person, or a guardian for a ward, books a time at a window."""

from portal.appointments.service import AppointmentService
from portal.hall.service import Audience


class Appointment(AppointmentService):
    code = "appointment"
    audience = Audience.PERSON
    for_wards = True
