import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import Gaussian, InputError, NoiseFree, Poisson, Problem


def test_levels_are_leaves():
    assert jax.tree.leaves(NoiseFree()) == jax.tree.leaves(Gaussian()) == []
    one, other = Gaussian(0.1), Gaussian(jnp.full((4, 4, 1), 0.2))
    assert jax.tree.structure(one) == jax.tree.structure(other) != jax.tree.structure(Gaussian())
    levels = jax.vmap(lambda level: Gaussian(level).level * 2)(jnp.array([0.1, 0.2]))
    np.testing.assert_allclose(levels, [0.2, 0.4], rtol=1e-6)


def test_the_deviation_of_photons_is_that_of_counts():
    """The observation is counts over the scale."""
    draw = np.random.default_rng(0)
    mean, scale = np.array([0.2, 1.0, 3.0]), 50.0
    observed = draw.poisson(scale * mean, (20_000, 3)) / scale
    np.testing.assert_allclose(Poisson(scale).deviation(mean), observed.std(axis=0), rtol=0.02)
    np.testing.assert_array_equal(Poisson().deviation(jnp.array([-1.0, 0.0, 4.0])), [0, 0, 2])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Gaussian(0.0), r"noise level is 0\.0; accepted: finite, above 0"),
        (lambda: Gaussian(-0.1), r"noise level is -0\.1; accepted: finite, above 0"),
        (lambda: Gaussian(np.inf), "noise level is inf; accepted: finite, above 0"),
        (lambda: Gaussian(1e39), r"noise level is 1e\+39; accepted: finite, above 0"),
        (lambda: Gaussian("weak"), "noise level is 'weak'; accepted: finite, above 0"),
        (
            lambda: Gaussian(np.array([[0.1], [0.0]])),
            r"noise level is an array .* shape \(2, 1\); accepted: finite, above 0",
        ),
        (lambda: Poisson(0), "photon scale is 0; accepted: finite, above 0"),
        (lambda: Poisson(np.nan), "photon scale is nan; accepted: finite, above 0"),
        (lambda: Poisson(None), "photon scale is None; accepted: finite, above 0"),
        (
            lambda: Problem(np.zeros((8, 8, 1)), noise=0.1),
            r"noise is 0\.1; accepted: Gaussian\(.*\), Poisson\(.*\) or NoiseFree\(\)",
        ),
        (lambda: Problem(np.zeros((8, 8, 1)), noise=Gaussian), "noise is Gaussian; accepted: "),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
