"""Moving pension and medical coverage between cities (关系转移接续): one line of stations for all
of them."""
