"""What persons and employers' clerks see of months, orders and payments."""
