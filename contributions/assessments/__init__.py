"""An employer's month (核定): drawn up, confirmed, paid by transfer or debit; bills of late
months."""
