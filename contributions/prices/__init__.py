"""The one formula, quotes, late fee, interest on arrears."""
