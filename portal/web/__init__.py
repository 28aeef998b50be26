"""The pages that all services share."""
