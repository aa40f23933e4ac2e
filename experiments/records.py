"""Shows the library's records as the dataclasses that they are: an extension of Griffe.

Griffe, which reads the source for the reference, knows `dataclasses.dataclass` and
`dataclasses.field` by their names. `drp_jax.record` and `drp_jax.fixed` are given those here, so
that the reference has the arguments of a record with their types and defaults.
"""

import ast
from typing import Any

import griffe


class Records(griffe.Extension):
    """Called by Griffe for each class and attribute that it reads."""

    def on_class_instance(self, *, cls: griffe.Class, **_: Any) -> None:
        """Names the decorator of a record as the standard library does."""
        for decorator in cls.decorators:
            if decorator.callable_path == "drp_jax.pytrees.record":
                decorator.value = _standard("dataclass", cls)

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Names the function that makes a fixed field as the standard library does."""
        value = attr.value
        if isinstance(value, griffe.ExprCall) and value.canonical_path == "drp_jax.pytrees.fixed":
            value.function = _standard("field", attr.parent)
            if not value.arguments:  # it has no default
                attr.value = None


def _standard(name: str, parent: Any) -> Any:
    tree = ast.parse(f"dataclasses.{name}", mode="eval")
    return griffe.get_expression(tree.body, parent=parent)
