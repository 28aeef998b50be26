"""Typed views of the book, by subject: what a month costs, when a city charges, what an offer
allows."""
