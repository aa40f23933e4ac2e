import dataclasses
import json
import os
import pathlib
import socket
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SMALL, compilations, make_photograph

from drp_jax import InputError, Loop, Problem, Request, Status, preset, restore, restore_many
from drp_jax.operators import Mask
from drp_jax.slots import MOST_SLOTS, slots_in_memory
from drp_jax.stopping import Plateau

KEY = jax.random.key(0)
TOLERANCE = 1e-5
"""Largest difference of a pixel between `restore` and `restore_many` after a few iterations."""


def photographs(count, height=12, width=15):
    return [make_photograph(height, width, 3, seed=seed) for seed in range(count)]


def alone(images, method):
    """Every image through `restore` with the key that it has in a batch."""
    return [
        restore(image, key=jax.random.fold_in(KEY, index), method=method)
        for index, image in enumerate(images)
    ]


def in_order(batch):
    return sorted(batch, key=lambda finished: finished.index)


@pytest.fixture(scope="module")
def expected(module_method):
    return alone(photographs(5), module_method)


@pytest.fixture(scope="module")
def module_method():
    return SMALL


@pytest.mark.parametrize("slots", [1, 2])
def test_every_image_comes_out_as_from_restore(module_method, expected, slots):
    batch = in_order(restore_many(photographs(5), key=KEY, method=module_method, slots=slots))
    assert [finished.index for finished in batch] == [0, 1, 2, 3, 4]
    for finished, single in zip(batch, expected, strict=True):
        together = finished.restoration
        np.testing.assert_allclose(together.image, single.image, atol=TOLERANCE)
        np.testing.assert_allclose(together.history["loss"], single.history["loss"], atol=TOLERANCE)
        assert together.status == Status.ITERATION_LIMIT
        assert together.iterations == 6
    statistics = batch[-1].statistics
    assert statistics.programs == 1
    assert statistics.slots == slots
    assert max(finished.statistics.busy_steps for finished in batch) == 5 * 6


def test_a_freed_slot_takes_the_next_image(module_method):
    rule = Plateau(patience=2, tolerance=0.5)
    stopping_early = dataclasses.replace(module_method, loop=Loop(12, stopping=rule))
    images = photographs(6)
    single = alone(images, stopping_early)
    batch = list(restore_many(images, key=KEY, method=stopping_early, slots=2))
    for finished in batch:
        restoration = single[finished.index]
        assert finished.restoration.iterations == restoration.iterations
        assert finished.restoration.status == Status.STOPPED_BY_RULE
        np.testing.assert_allclose(finished.restoration.image, restoration.image, atol=TOLERANCE)
    lengths = [int(restoration.iterations) for restoration in single]
    statistics = batch[-1].statistics
    assert statistics.busy_steps == sum(lengths)
    # Only the last image can leave the other slot idle.
    assert statistics.slot_steps <= sum(lengths) + max(lengths)


def test_neighbours_do_not_change_a_single_bit(module_method):
    image, *others = photographs(4)
    results = []
    for neighbour in others:
        requests = [Request(image, key=KEY), Request(neighbour)]
        batch = in_order(restore_many(requests, key=KEY, method=module_method, slots=2))
        results.append(np.asarray(batch[0].restoration.image))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_shapes_have_programs_of_their_own(module_method):
    images = [make_photograph(12, 15, 3), make_photograph(16, 10, 1)]
    batch = in_order(restore_many([*images, images[0]], key=KEY, method=module_method, slots=1))
    assert max(finished.statistics.programs for finished in batch) == 2
    for finished, image in zip(batch, [*images, images[0]], strict=True):
        assert finished.restoration.image.shape == image.shape


def test_a_second_batch_does_not_compile_again(module_method):
    first = photographs(2)
    list(restore_many(first, key=KEY, method=module_method, slots=2))
    with compilations() as programs:
        list(restore_many(first[::-1], key=KEY, method=module_method, slots=2))
    assert not programs


def test_a_bad_image_is_reported_and_stops_nobody(module_method):
    good = photographs(2)
    not_finite = np.full((12, 15, 3), np.nan, np.float32)
    batch = in_order(
        restore_many(
            [jnp.zeros((4, 4, 3)), good[0], not_finite, good[1]],
            key=KEY,
            method=module_method,
            slots=2,
        )
    )
    assert [finished.index for finished in batch] == [0, 1, 2, 3]
    assert "image has shape (4, 4, 3); accepted: (H, W, C) with H and W" in batch[0].error
    assert "NaN or infinity" in batch[2].error
    assert batch[0].restoration is None
    assert batch[1].error is batch[3].error is None
    assert batch[1].restoration.status == Status.ITERATION_LIMIT


def test_a_batch_of_bad_images_only(module_method):
    batch = list(restore_many([jnp.zeros((4, 4, 3))], key=KEY, method=module_method))
    assert [finished.restoration for finished in batch] == [None]
    assert "accepted: (H, W, C) with H and W from 8 up" in batch[0].error


def test_no_images_give_no_results(module_method):
    assert list(restore_many([], key=KEY, method=module_method)) == []


def test_a_request_brings_problem_method_and_key(module_method):
    image = make_photograph(12, 15, 3)
    mask = Mask(jnp.asarray(np.random.default_rng(0).random((12, 15, 1)) < 0.5, jnp.float32))
    problem = Problem(image, operator=mask, reference=image)
    rates = (0.1, 0.02)
    requests = [
        Request(problem, key=jax.random.key(7), method=module_method.adjusted(learning_rate=rate))
        for rate in rates
    ]
    batch = in_order(restore_many(requests, key=KEY, slots=2))
    assert batch[-1].statistics.programs == 1
    for finished, request in zip(batch, requests, strict=True):
        single = restore(request.problem, key=request.key, method=request.method)
        together = finished.restoration
        np.testing.assert_allclose(together.image, single.image, atol=TOLERANCE)
        np.testing.assert_allclose(together.history["psnr"], single.history["psnr"], atol=1e-3)
    assert (batch[0].restoration.image != batch[1].restoration.image).any()


def test_restorations_go_on_with_a_new_limit_beside_others_that_begin(module_method):
    images = photographs(2)
    halves = alone(images, module_method.adjusted(iterations=3))
    requests = [Request(half, iterations=6) for half in halves]
    batch = in_order(restore_many([*requests, images[0]], key=KEY, method=module_method, slots=2))
    assert batch[-1].statistics.programs == 1
    assert max(finished.statistics.busy_steps for finished in batch) == 3 + 3 + 6
    for finished, single in zip(batch, alone(images, module_method), strict=False):
        together = finished.restoration
        np.testing.assert_allclose(together.image, single.image, atol=TOLERANCE)
        np.testing.assert_allclose(together.history["loss"], single.history["loss"], atol=TOLERANCE)
    bad = [Request(halves[0])]
    bad += [Request(image, iterations=2) for image in (halves[0], images[0])]
    errors = [one.error for one in in_order(restore_many(bad, key=KEY))]
    assert "has ended: The run reached its iteration limit. Accepted: a larger" in errors[0]
    assert "iterations is 2; accepted: whole numbers from 3" in errors[1]
    assert "iterations is 2 for an image that has not begun; accepted: None" in errors[2]


def test_a_share_is_every_so_manyth_image(module_method, expected):
    batch = restore_many(photographs(5), key=KEY, method=module_method, slots=1, share=(1, 3))
    batch = in_order(batch)
    assert [finished.index for finished in batch] == [1, 4]
    for finished in batch:
        image = expected[finished.index].image
        np.testing.assert_allclose(finished.restoration.image, image, atol=TOLERANCE)
    with pytest.raises(InputError, match=r"share is \(3, 3\); accepted: \(i, n\), i from 0 and"):
        restore_many([], key=KEY, share=(3, 3))


def test_filters_go_through_their_steps_together():
    images = [make_photograph(16, 16, 1, seed=seed) for seed in range(3)]
    method = preset("fast")
    batch = in_order(restore_many(images, key=KEY, method=method, slots=2))
    for finished, image in zip(batch, images, strict=True):
        single = restore(image, key=KEY, method=method)
        assert finished.restoration.status == Status.COMPLETED
        np.testing.assert_allclose(finished.restoration.image, single.image, atol=TOLERANCE)
        np.testing.assert_allclose(
            finished.restoration.uncertainty, single.uncertainty, atol=TOLERANCE
        )
    statistics = batch[-1].statistics
    assert (statistics.programs, statistics.slots) == (1, 2)


def test_images_are_taken_as_slots_get_free(module_method):
    taken = []

    def images():
        for index, image in enumerate(photographs(6)):
            taken.append(index)
            yield image

    batch = restore_many(images(), key=KEY, method=module_method, slots=1)
    assert taken == []
    next(batch)
    assert len(taken) < 6
    batch.close()


@pytest.mark.parametrize(
    ("per_slot", "free", "devices", "slots"),
    [(100, 1000, 1, 8), (100, 1000, 4, 32), (10_000, 1000, 2, 2), (1, 10**9, 1, MOST_SLOTS)],
)
def test_slots_come_from_memory(per_slot, free, devices, slots):
    assert slots_in_memory(per_slot, free, devices) == slots


def test_bad_arguments_are_named(module_method):
    with pytest.raises(InputError, match="slots is 0; accepted: whole numbers from 1"):
        restore_many([], key=KEY, method=module_method, slots=0)
    with pytest.raises(
        InputError, match=r"devices is .*; accepted: a list of at least one jax\.Device"
    ):
        restore_many([], key=KEY, method=module_method, devices=[])


PROGRAM = """
import json, sys
import jax
devices, address, count, index = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
jax.config.update("jax_num_cpu_devices", devices)
if count > 1:
    jax.distributed.initialize(address, count, index)
from conftest import SMALL, make_photograph
from drp_jax import restore_many
images = [make_photograph(12, 15, 3, seed=seed) for seed in range(5)]
batch = restore_many(images, key=jax.random.key(0), method=SMALL)
print(json.dumps({f.index: f.restoration.image.tolist() for f in batch}))
"""


def in_processes(*, devices, count):
    """What each of `count` processes restored, as dictionaries from index to image."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        address = f"localhost:{probe.getsockname()[1]}"
    tests = pathlib.Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": f"{tests}:{tests.parent}", "JAX_PLATFORMS": "cpu"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(devices), address, str(count), str(index)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for index in range(count)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert all(process.returncode == 0 for process in processes)
    return [
        {int(index): np.array(image) for index, image in json.loads(output).items()}
        for output in outputs
    ]


def assert_as_expected(images, expected):
    assert sorted(images) == list(range(len(expected)))
    for index, single in enumerate(expected):
        np.testing.assert_allclose(images[index], single.image, atol=TOLERANCE)


@pytest.mark.slow
def test_several_devices_give_the_same_images(expected):
    [images] = in_processes(devices=2, count=1)
    assert_as_expected(images, expected)


@pytest.mark.slow
def test_several_processes_share_the_images(expected):
    first, second = in_processes(devices=1, count=2)
    assert sorted(first) == [0, 2, 4]
    assert sorted(second) == [1, 3]
    assert_as_expected(first | second, expected)
