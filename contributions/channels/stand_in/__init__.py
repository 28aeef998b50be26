"""The providers of all channels, played by one process where there are none: it knows the protocols
and nothing of the hall.

It is written from the descriptions of the protocols alone, so that it also checks what the hall
sends: whatever is not signed rightly is refused. It keeps what was paid in a file of its own.
"""
