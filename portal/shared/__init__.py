"""Pure vocabulary of the project: months, money, identity numbers. Knows neither Django nor the
clock."""
