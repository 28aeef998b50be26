"""The ledger, receipts, personal accounts and their interest, the day's trial balance, the month's
close."""
