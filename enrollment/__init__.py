"""Who is insured, where, in which capacity, on what base (参保)."""
