"""Money that goes back: drafted, found doubled, paid for a month that was paid elsewhere."""
