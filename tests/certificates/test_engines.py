"""Every kind of document is drawn alike by Poppler, MuPDF and Ghostscript: whoever opens or prints
it sees the same."""

from pathlib import Path
from typing import Any

import pytest

from certificates import authority, fonts, rendering, sealing
from certificates.kinds import CertificateKind
from tests.cast import NOW
from tests.certificates import engines, samples


def sealed(kind: CertificateKind) -> bytes:
    page = rendering.render(samples.certificate(kind), development=True)
    return sealing.seal_document(page, seal=authority.seal_for("ningbo"), reason="330200", now=NOW)


def differences(document: bytes, folder: Path) -> list[float]:
    """Of each page and each engine after the first, from the first."""
    pictures = [engines.drawn(document, engine, folder) for engine in engines.ENGINES]
    return [
        engines.difference(first, other)
        for pages in pictures[1:]
        for first, other in zip(pictures[0], pages, strict=True)
    ]


@pytest.mark.parametrize("kind", CertificateKind)
def test_each_kind_is_drawn_alike_by_three_engines(kind: CertificateKind, tmp_path: Path) -> None:
    assert max(differences(sealed(kind), tmp_path)) < engines.MOST_DIFFERENCE


def test_a_cut_that_keeps_the_numbers_of_the_whole_font_is_found_out(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(fonts, "numbered_anew", lambda font: font)
    # A press keeps the fonts that it was made with.
    monkeypatch.setattr(rendering, "press_of_thread", rendering.Press)
    drawn = differences(sealed(CertificateKind.EMPLOYER), tmp_path)
    assert min(drawn) > 1.5 * engines.MOST_DIFFERENCE
