"""Registers outside the hall that an application is compared against: household, bank card."""
