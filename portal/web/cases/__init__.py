"""Cases and their progress, for whoever filed them."""
