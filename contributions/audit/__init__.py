"""The invariants, proved over the whole database, and what the database holds by itself."""
