"""The ways to pay an order: each a channel behind one small protocol."""
