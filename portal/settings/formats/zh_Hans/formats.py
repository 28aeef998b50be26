"""How numbers are written where a template asks for groups: amounts of money have commas by three,
which Django's own Chinese formats leave out."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
