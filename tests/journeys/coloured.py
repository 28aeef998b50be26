"""What of the hall's own styles has other colours on a narrow screen."""

# Components by their stylesheets' names, with which their classes begin. The colours of all others
# are looked at once, at the desk, for that is half of what axe takes
# (tests/web/test_stylesheets.py).
COLOURED_BY_WIDTH = ("stations", "months")
