"""延缴、趸缴和一次性补缴: paying for a pension past the retirement age, or for years of work that
were never paid."""
