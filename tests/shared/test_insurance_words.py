"""Every word of the vocabulary can be said in Chinese."""

import re

from portal.shared.identity import SEX_LABELS, Sex
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance


def test_each_has_one_chinese_label():
    for words, labels in ((Insurance, INSURANCE_LABELS), (Capacity, CAPACITY_LABELS), (Sex, SEX_LABELS)):
        assert list(labels) == list(words)
        assert len(set(labels.values())) == len(labels)
        assert all(re.fullmatch(r"[\u4e00-\u9fff]+", label) for label in labels.values())
