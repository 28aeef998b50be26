"""What is chosen is held together at a fixed sum until it is paid or let go."""
