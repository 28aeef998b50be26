"""The services about money, each one file."""
