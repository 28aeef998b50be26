"""Law and city rules as dated, referenced data, and typed views of them.

Knows neither Django nor the clock.
"""
