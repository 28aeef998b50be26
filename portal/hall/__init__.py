"""What a service is, and the one way through it: from an application to its effect."""
