"""What is drawn once for everybody holds nothing of anybody, and another book is drawn anew."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.test import Client

from portal.policy.book import book
from tests.cast import Cast
from tests.web.conftest import signed_in


def drawn(markup: str, **context: object) -> str:
    return Template("{% load keep %}" + markup).render(Context(context))


def test_it_is_drawn_for_the_first_and_kept_for_the_others() -> None:
    markup = '{% same_for_all "trial" city with word=word %}{{ word }}{% endsame_for_all %}'
    book.cache_clear()
    assert drawn(markup, city="wuhan", word="first") == "first"
    assert drawn(markup, city="wuhan", word="second") == "first"
    assert drawn(markup, city="wuxi", word="third") == "third"
    book.cache_clear()
    assert drawn(markup, city="wuhan", word="fourth") == "fourth"


def test_nothing_else_of_the_page_stands_within() -> None:
    markup = (
        '{% same_for_all "nothing" with word=word %}{{ word }}[{{ user }}{{ request }}]{% endsame_for_all %}'
    )
    assert drawn(markup, word="<b>", user="王芳", request="a request") == "&lt;b&gt;[]"


def test_what_is_a_pages_own_is_drawn_for_each() -> None:
    markup = '{% same_for_all "own" with word=word %}{{ word }}:{% own %}{{ user }}{% endown %}.{{ user }}{% endsame_for_all %}'
    assert drawn(markup, word="kept", user="<王芳>") == "kept:&lt;王芳&gt;."
    assert drawn(markup, word="other", user="李强") == "kept:李强."


def test_what_is_a_pages_own_stands_in_no_other_tag() -> None:
    with pytest.raises(TemplateSyntaxError):
        drawn(
            '{% same_for_all "x" %}{% if 1 %}{% own %}{{ user }}{% endown %}{% endif %}{% endsame_for_all %}'
        )


@pytest.mark.parametrize("tag", ["same_for_all", 'same_for_all with word="x"', 'same_for_all "x" with word'])
def test_words_and_values_are_asked_for(tag: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        drawn("{% " + tag + " %}{% endsame_for_all %}")


@pytest.mark.django_db
def test_who_comes_first_leaves_nothing_for_who_comes_next(cast: Cast) -> None:
    book.cache_clear()
    assert cast.wang_fang.name in signed_in(cast.wang_fang_login).get("/wuhan/").content.decode()
    stranger = Client().get("/wuhan/").content.decode()
    assert cast.wang_fang.name not in stranger
    assert "csrfmiddlewaretoken" not in stranger
