"""Reading what was owed and paid: by month, by year, by payment, of an employer's staff."""
