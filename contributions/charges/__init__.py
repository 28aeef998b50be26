"""What a covered month owes, what paying late adds, who is charged no more."""
