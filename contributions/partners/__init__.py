"""What a partner orders, asks to be undone, and reports day by day."""
