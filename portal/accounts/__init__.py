"""Logins: the personal door, the legal-entity door, staff; text-message codes, captcha and
lockout."""
