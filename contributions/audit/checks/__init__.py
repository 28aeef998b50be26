"""What must hold of money, by subject: each module has CHECKS."""
