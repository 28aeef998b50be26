"""Orders as their payer sees them: what they cost and why, how they are paid, what became of
them."""
