"""The demo: four cities with employers, people of each kind, a year of history and a few open cases."""
