"""Late months of flexible workers: what they cost, paying, writing off, the gap."""
