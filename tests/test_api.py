"""The policy of the public interface."""

import inspect
import types

import pytest

import drp_jax

NAMESPACES = [
    module for name in drp_jax.__all__ if inspect.ismodule(module := getattr(drp_jax, name))
]
WITH_NAMES = [drp_jax, *(module for module in NAMESPACES if hasattr(module, "__all__"))]
PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in WITH_NAMES
    for name in module.__all__
}
CALLABLES = {
    name: public
    for name, public in PUBLIC.items()
    if callable(public)
    and not isinstance(public, types.GenericAlias)
    and hasattr(public, "__name__")
}


def test_public_names_exist_once():
    for module in WITH_NAMES:
        assert len(set(module.__all__)) == len(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)


def test_the_top_level_is_small():
    assert len(drp_jax.__all__) <= 35


@pytest.mark.parametrize("name", CALLABLES)
def test_every_public_name_is_documented(name):
    public = CALLABLES[name]
    documentation = inspect.getdoc(public)
    assert documentation
    assert documentation != inspect.getdoc(object)
    # A dataclass without a docstring gets its signature for one.
    assert not documentation.startswith(f"{public.__name__}(")


@pytest.mark.parametrize("function", [drp_jax.restore, drp_jax.restore_many, drp_jax.begin])
def test_keys_are_explicit_and_options_go_by_name(function):
    _, *others = inspect.signature(function).parameters.values()
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in others)
    key = inspect.signature(function).parameters["key"]
    assert key.default is inspect.Parameter.empty


def test_the_core_knows_no_method_and_the_families_not_each_other():
    core = ("method", "problem", "units", "noise", "stopping", "pytrees", "errors", "batching")
    for name in core:
        text = inspect.getsource(__import__(f"drp_jax.{name}", fromlist=["_"]))
        imports = [
            line for line in text.splitlines() if line.lstrip().startswith(("from", "import"))
        ]
        assert not any("untrained" in line or "non_local" in line for line in imports), name
    for family, other in (("untrained", "non_local"), ("non_local", "untrained")):
        folder = __import__(f"drp_jax.{family}", fromlist=["_"]).__path__[0]
        for path in __import__("pathlib").Path(folder).rglob("*.py"):
            assert f"drp_jax.{other}" not in path.read_text(), path
