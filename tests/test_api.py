"""The policy of the public interface."""

import inspect

import pytest

import drp_jax

CALLABLES = [getattr(drp_jax, name) for name in drp_jax.__all__ if callable(getattr(drp_jax, name))]


def test_public_names_exist_once():
    assert len(set(drp_jax.__all__)) == len(drp_jax.__all__)
    assert all(hasattr(drp_jax, name) for name in drp_jax.__all__)


@pytest.mark.parametrize("public", CALLABLES, ids=lambda public: public.__name__)
def test_every_public_name_is_documented(public):
    documentation = inspect.getdoc(public)
    assert documentation
    assert documentation != inspect.getdoc(object)
    # A dataclass without a docstring gets its signature for one.
    assert not documentation.startswith(f"{public.__name__}(")


def test_restore_takes_an_explicit_key_and_options_by_name():
    parameters = inspect.signature(drp_jax.restore).parameters
    first, *others = parameters.values()
    assert first.name == "observation"
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in others)
    assert parameters["key"].default is inspect.Parameter.empty
