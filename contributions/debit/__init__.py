"""The monthly debit (托收): batches of people and of employers, what the bank left open, asking
again."""
