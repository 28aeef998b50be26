"""Keys of forms: a form carries a key that was made with it, and sent twice with one key it does
one thing."""


class KeyReused(Exception):
    """The key stands for something else already: it names one thing for good."""
