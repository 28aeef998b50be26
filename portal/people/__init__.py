"""Who the hall knows: persons, employers and their bank accounts."""
