"""The first social-security card (社会保障卡) of whoever is newly insured for medical care."""
