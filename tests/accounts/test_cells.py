"""Cells of the workbench's lists: numbers are masked, and what people typed is never markup."""

from portal.accounts.cells import due_cell, person_cell, state_cell


def test_a_persons_number_is_masked_and_the_name_is_no_markup() -> None:
    cell = person_cell("<b>龍</b>", "330211199003071234")
    assert cell == '&lt;b&gt;龍&lt;/b&gt; <span class="nums">330211********1234</span>'


def test_a_state_has_its_code_and_its_words() -> None:
    assert state_cell("paid", "已缴") == '<span class="state" data-state="paid">已缴</span>'


def test_what_is_not_due_is_a_dash() -> None:
    assert due_cell("", "") == "—"
    assert due_cell("今天", "late") == '<span class="due" data-due="late">今天</span>'
