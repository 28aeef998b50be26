"""Moving pension and medical coverage between cities (关系转移接续). The room is laid out; its first services come next."""
