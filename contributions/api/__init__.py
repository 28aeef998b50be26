"""The signed API of orders and payments, for banks' apps and city services."""
