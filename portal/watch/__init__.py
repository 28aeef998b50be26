"""What the hall does by itself, watched: failures that are kept, each task's last success, who is
alive, and the clock."""
