"""预约办事: places, days and slots; who comes when; the staff's day."""
