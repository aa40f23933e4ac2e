import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drp_jax import InputError
from drp_jax.stopping import Discrepancy, ExponentialVariance, Plateau, WindowedVariance


def watch(rule, outputs):
    """The verdicts of a rule on a sequence of outputs, from one compiled loop."""

    def update(state, output):
        measures = {name: jnp.mean(output) for name in rule.needs}
        return rule.update(state, output, measures)

    _, verdicts = jax.lax.scan(update, rule.init(outputs[0]), outputs)
    return np.asarray(verdicts.best), np.asarray(verdicts.stop)


def settling_then_drifting(turn=30, length=60):
    """Outputs whose steps shrink until `turn` and grow again after it."""
    speed = np.abs(np.arange(length) - turn) / turn + 0.01
    direction = np.random.default_rng(0).normal(size=(4, 4, 1))
    return jnp.asarray(np.cumsum(speed)[:, None, None, None] * direction, jnp.float32)


def test_windowed_variance_is_least_where_numpy_says():
    outputs = settling_then_drifting()
    window = 6  # an odd number of steps in it: an even one ties around the turn
    best, _ = watch(WindowedVariance(window=window, patience=1000), outputs)
    variances = [np.mean(np.var(outputs[end - window : end], axis=0)) for end in range(window, 61)]
    assert np.flatnonzero(best)[-1] == int(np.argmin(variances)) + window - 1


def test_exponential_variance_follows_its_recursion():
    outputs = np.asarray(settling_then_drifting())
    decay = 0.2
    best, _ = watch(ExponentialVariance(decay=decay, patience=1000), jnp.asarray(outputs))
    mean, variance, measured = outputs[0], 0.0, []
    for count, output in enumerate(outputs, start=1):
        variance = (1 - decay) * (variance + decay * np.mean((output - mean) ** 2))
        mean = (1 - decay) * mean + decay * output
        measured.append(variance if count >= 3 / decay else np.inf)
    assert np.flatnonzero(best)[-1] == int(np.argmin(measured))


@pytest.mark.parametrize(
    "rule", [WindowedVariance(window=5, patience=7), ExponentialVariance(decay=0.2, patience=7)]
)
def test_stop_comes_patience_after_the_last_minimum(rule):
    best, stop = watch(rule, settling_then_drifting())
    minimum = np.flatnonzero(best)[-1]
    assert 25 < minimum < 45
    assert np.flatnonzero(stop)[0] == minimum + 7


@pytest.mark.parametrize("rule", [WindowedVariance(window=5), ExponentialVariance(decay=0.2)])
def test_every_output_is_the_best_until_the_variance_is_known(rule):
    best, stop = watch(rule, settling_then_drifting()[:4])
    assert best.all()
    assert not stop.any()


def of_loss(*losses):
    """Outputs whose mean, which `watch` gives as loss and residual, takes these values."""
    return jnp.stack([jnp.full((4, 4, 1), loss) for loss in losses])


def test_a_plateau_stops_patience_after_the_last_noticeable_fall():
    losses = of_loss(1.0, 0.8, 0.799, 0.798, 0.5, 0.499, 0.499, 0.498, 0.497)
    best, stop = watch(Plateau(patience=3, tolerance=0.01), losses)
    assert best.all()
    np.testing.assert_array_equal(np.flatnonzero(stop), [7, 8])


def test_the_discrepancy_rule_stops_at_the_noise_level():
    best, stop = watch(Discrepancy(0.1), of_loss(0.5, 0.2, 0.11, 0.09, 0.08))
    assert best.all()
    np.testing.assert_array_equal(np.flatnonzero(stop), [3, 4])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: WindowedVariance(window=1),
            "window is 1; accepted: whole numbers from 2 to 100000",
        ),
        (
            lambda: WindowedVariance(patience=0),
            "patience is 0; accepted: whole numbers from 1 to 10000000",
        ),
        (lambda: ExponentialVariance(decay=1.0), r"decay is 1\.0; accepted: between 0 and 1"),
        (
            lambda: ExponentialVariance(patience=-3),
            "patience is -3; accepted: whole numbers from 1",
        ),
        (lambda: Plateau(patience=0), "patience is 0; accepted: whole numbers from 1 to 10000000"),
        (lambda: Plateau(tolerance=1.0), r"tolerance is 1\.0; accepted: in \[0, 1\)"),
        (lambda: Discrepancy(0.0), r"noise_level is 0\.0; accepted: above 0"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
