"""Banks that debit for a city: file formats, the folder they are exchanged in, and a bank that
stands in."""
