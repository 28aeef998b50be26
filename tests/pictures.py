"""Pictures as cameras take them."""

import io

from PIL import Image


def photo(width: int = 358, height: int = 441, quality: int = 60) -> bytes:
    """A JPEG with some noise in it; by itself such as the maker of cards takes."""
    out = io.BytesIO()
    Image.effect_noise((width, height), 20).convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()
