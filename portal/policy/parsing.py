"""The YAML of the policy files: read without its surprises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from portal.policy.schema import Where


class _Loader(yaml.CSafeLoader):
    """YAML without its surprises: no floats, no dates, no octal or base-60 numbers, no key
    twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in mapping:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} is there twice", key_node.start_mark
                )
            mapping[key] = self.construct_object(value_node, deep=deep)
        return mapping

    def refuse_float(self, node: yaml.ScalarNode) -> None:
        raise yaml.constructor.ConstructorError(
            None, None, f'{node.value} is a float: write "{node.value}"', node.start_mark
        )


_Loader.yaml_implicit_resolvers = {}
for _tag, _form, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", "n~"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:[0-9][0-9_]*)?\.?[0-9]+(?:[eE][-+]?[0-9]+)?|-?\.(?:inf|nan)", "-.0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(f"(?:{_form})\\Z"),
        [*_first, ""] if _tag == "null" else list(_first),
    )
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.refuse_float)


def parse(file: Path, where: Where) -> dict[Any, Any]:
    """The mapping that the file holds. Raises PolicyError, also where there is no file."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader, made stricter
    except FileNotFoundError:
        raise where.error("missing file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise where.error(str(problem)) from problem
    if not isinstance(content, dict):
        raise where.error("a mapping is expected")
    return content
