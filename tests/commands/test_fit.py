import time

from drp_jax.commands.fit import seconds_since_start


def test_the_clock_of_the_process_goes_on_and_began_before_this():
    first = seconds_since_start()
    time.sleep(0.05)
    assert 0 < first < seconds_since_start()
