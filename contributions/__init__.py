"""What a covered month owes, how it is drawn and paid, and the ledger in which it ends."""
