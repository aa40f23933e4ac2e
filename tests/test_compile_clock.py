import time

import jax
import jax.monitoring
import jax.numpy as jnp

from drp_jax.compile_clock import compile_clock

EVENT = "/jax/core/compile/part"


def test_compilation_is_timed_once():
    @jax.jit
    def inner(x):
        return jnp.sin(x) * 2

    start = time.perf_counter()
    with compile_clock() as durations:
        jax.jit(lambda x: inner(x) + inner(x + 1))(jnp.ones(7)).block_until_ready()
        elapsed = time.perf_counter() - start
        assert 0 < sum(durations) <= elapsed


def test_an_event_within_another_is_part_of_it():
    with compile_clock() as durations:
        for name, seconds in ((EVENT, 2.0), (EVENT, 0.0), ("/other", 9.0)):
            jax.monitoring.record_event_duration_secs(name, seconds)
        assert durations == [2.0, 0.0]  # one after the other
        jax.monitoring.record_event_duration_secs(EVENT, 100.0)
        assert durations == [100.0]  # which began before both
    jax.monitoring.record_event_duration_secs(EVENT, 1.0)
    assert durations == [100.0]
