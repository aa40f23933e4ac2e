"""Wrong arguments to the public interface: each gets one line that says what is accepted instead.

The tables have the beginning of the message, which names the offending value, and the call.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from wrong_arguments import (
    BATCH,
    BOX,
    GRAY,
    KEY,
    MASK,
    NAN,
    NOT_A_NUMBER,
    PICTURE,
    PROBLEM,
    SMALL,
    check_refused,
    fails,
    restored,
    table,
)

from drp_jax import (
    Gaussian,
    Poisson,
    Problem,
    Request,
    advance,
    begin,
    images,
    load,
    metrics,
    operators,
    preset,
    read_image,
    restore_many,
    resume,
    save,
    write_image,
)
from drp_jax.non_local import Denoise
from drp_jax.operators import Blur, Composition, Downsample, Function, Identity, Mask
from drp_jax.untrained import HourglassConfig

KEYS = jax.random.split(KEY, 3)
IMAGE = jax.ShapeDtypeStruct((12, 15, 3), jnp.float32)
NETWORK = preset("paper").adjusted(width=4, iterations=3)
NOISY = Problem(PICTURE, noise=Gaussian())
PHOTOGRAPH = images.Picture(PICTURE)


def called_back(picture):
    return restored(picture, callback=print)


def transposed(operator, observation):
    return jax.eval_shape(lambda y: operators.adjoint(operator, y, IMAGE), observation)


def with_alpha(shape):
    return images.Picture(PICTURE, alpha=np.zeros(shape, np.uint8))


def several(restoration):
    """What of a batch of restorations tells it from one."""
    status = np.zeros(2, np.int32)
    state = dataclasses.replace(restoration.run.state, status=status)
    run = dataclasses.replace(restoration.run, state=state)
    return dataclasses.replace(restoration, status=status, run=run)


def loaded(folder, problem=PROBLEM, method=NETWORK):
    return load(folder / "saved", problem=problem, method=method)


def fourier(image):
    return jnp.fft.fft2(image[..., 0]).reshape(-1)


def transformed(mask):
    return Problem(GRAY + 0j, operators.MaskedFourier(mask))


def fan(**distances):
    return operators.FanBeam(np.zeros(1), (12, 15), **distances)


class Broken:
    """An object of which nothing can be said."""

    def __repr__(self):
        raise RuntimeError("no text")


OBSERVATIONS = [
    ("observation is None", lambda: restored(None)),
    ("observation is 'x.png'", lambda: restored("x.png")),
    ("observation is [[1.0], [2.0, 3.0]];", lambda: restored([[1.0], [2.0, 3.0]])),
    ("observation is {}", lambda: restored({})),
    ("observation is Picture(", lambda: restored(PHOTOGRAPH)),
    ("observation is Request(", lambda: restored(Request(PICTURE))),
    ("observation is Problem(", lambda: Problem(PROBLEM)),
    ("observation is a Broken;", lambda: restored(Broken())),
    ("observation is an array of type <U1", lambda: restored(np.full((12, 15, 3), "a"))),
    ("observation is an array of type object", lambda: restored(np.full((12, 15, 3), None))),
    ("observation is an array of type key", lambda: Problem(KEYS, operator=fourier)),
    ("observation has type uint8", lambda: restored(np.zeros((12, 15, 3), np.uint8))),
    ("observation has shape (2, 12, 15, 3)", lambda: restored(BATCH)),
    ("observation has shape (12, 15)", lambda: restored(GRAY)),
    ("observation has shape (0, 15, 3)", lambda: restored(PICTURE[:0])),
    ("observation has shape (12, 15, 0)", lambda: restored(PICTURE[..., :0])),
    ("image has shape (7, 7, 3)", lambda: restored(SMALL)),
    ("observation has values from", lambda: restored(255 * PICTURE)),
    ("observation has NaN or infinity in", lambda: restored(NAN)),
    ("observation has NaN or infinity in", lambda: restored(PICTURE + np.float32(np.inf))),
    ("operator gives shape real (12, 15, 3)", lambda: restored(PICTURE + 0j)),
]
KEYS_AND_METHODS = [
    ("key is 0;", lambda: restored(key=0)),
    ("key is None;", lambda: restored(key=None)),
    ("key is 'a';", lambda: restored(key="a")),
    ("key is an array of type key<fry> and shape (3,)", lambda: restored(key=KEYS)),
    ("key is an array of type float32", lambda: restored(key=np.zeros(2, np.float32))),
    ("key is an array of type uint32 and shape (3,)", lambda: restored(key=np.zeros(3, np.uint32))),
    ("method is 'fast';", lambda: restored(method="fast")),
    ("method is preset;", lambda: restored(method=preset)),
    ("method is Denoise;", lambda: restored(method=Denoise)),
    ("method is 3;", lambda: restored(method=3)),
    ("method is HourglassConfig(", lambda: restored(method=HourglassConfig())),
]
OPERATORS = [
    ("operator is 3;", lambda: restored(operator=3)),
    ("operator is 'blur';", lambda: restored(operator="blur")),
    ("operator is [Mask(", lambda: restored(operator=[Mask(MASK)])),
    ("operator is Blur, a class;", lambda: restored(operator=Blur)),
    ("operator fails for an image (12, 15, 3)", lambda: restored(operator=fails)),
    ("operator gives shape real (6, 15, 3)", lambda: restored(operator=lambda x: x[::2])),
    ("operator gives None", lambda: restored(operator=lambda x: None)),
    ("operator gives PyTreeDef((*, *))", lambda: restored(operator=lambda x: (x, x))),
    ("operator gives shape complex", lambda: restored(operator=lambda x: x + 0j)),
    ("operator fails for an image", lambda: restored(operator=lambda x: "x")),
    ("operator is given beside a Problem", lambda: restored(PROBLEM, operator=Identity())),
    ("reference is given beside a P", lambda: restored(PROBLEM, reference=PICTURE)),
    ("mask is [[1]];", lambda: Mask([[1]])),
    ("mask is None;", lambda: Mask(None)),
    ("mask has values that are not from 0 to 1", lambda: Mask(np.array(["a"]))),
    ("mask has values that are not from 0 to 1", lambda: Mask(MASK + 0j)),
    ("mask has values that are not from 0 to 1", lambda: Mask(MASK * np.float32("nan"))),
    ("mask has values that are not from 0 to 1", lambda: Mask(2 * MASK)),
    ("mask has shape (12, 15)", lambda: restored(operator=Mask(MASK[..., 0]))),
    ("mask has shape (12, 14, 1)", lambda: restored(operator=Mask(MASK[:, 1:]))),
    ("blur kernel is [[1.0]];", lambda: Blur([[1.0]])),
    ("blur kernel has shape (3, 3, 1)", lambda: Blur(BOX[..., None])),
    ("blur kernel has shape (0, 3)", lambda: Blur(BOX[:0])),
    ("blur kernel has NaN or infinity in", lambda: Blur(BOX * np.float32("nan"))),
    ("blur kernel has type <U1", lambda: Blur(np.array([["a"]]))),
    ("blur kernel has type complex64", lambda: Blur(BOX + 0j)),
    ("blur centre is (3, 0)", lambda: Blur(BOX, centre=(3, 0))),
    ("blur centre is (0.5, 1)", lambda: Blur(BOX, centre=(0.5, 1))),
    ("blur centre is 1;", lambda: Blur(BOX, centre=1)),
    ("blur centre is ('a', 1)", lambda: Blur(BOX, centre=("a", 1))),
    ("boundary is 'mirror'", lambda: Blur(BOX, boundary="mirror")),
    ("factor is 0;", lambda: Downsample(0)),
    ("factor is 2.5;", lambda: Downsample(2.5)),
    ("factor is '4';", lambda: Downsample("4")),
    ("factor is 65;", lambda: Downsample(65)),
    ("resampling is 'cubic'", lambda: Downsample(2, resampling="cubic")),
    ("operators is 3;", lambda: Composition(3)),
    ("operators is ();", lambda: Composition(())),
    ("operator is 3;", lambda: Composition((Identity(), 3))),
    ("operator is 3;", lambda: Function(3)),
    ("operator is 'x';", lambda: operators.as_operator("x")),
    ("image is 12 x 15;", lambda: Downsample(2)(PICTURE)),
    ("pattern is 'rggb';", lambda: operators.Bayer("rggb")),
    ("k-space mask is 0 everywhere;", lambda: operators.MaskedFourier(0 * GRAY)),
    ("k-space mask has shape (15, 12);", lambda: transformed(MASK[..., 0].T)),
    ("oversampling is 9;", lambda: operators.FourierMagnitude(oversampling=9)),
    ("angles reach 90, which looks like deg", lambda: operators.Radon(np.array([90]), (12, 15))),
    ("spacing is -1;", lambda: operators.Radon(np.zeros(1), (12, 15), spacing=-1)),
    ("source_distance is 3;", lambda: fan(source_distance=3, detector_distance=0)),
    ("detector_distance is 'x';", lambda: fan(source_distance=30, detector_distance="x")),
    ("operator is 3;", lambda: operators.filtered_back_projection(3, GRAY)),
    ("matrix has shape (12, 15)", lambda: operators.Matrix(GRAY, (12, 15))),
    ("operator is 3;", lambda: operators.from_scico(3)),
    ("operators is ();", lambda: operators.Stack(())),
    ("observation is 3;", lambda: operators.Stack((Identity(),)).image_shape(3)),
    ("background is 'x';", lambda: operators.Offset(Identity(), "x")),
    ("operator is 3;", lambda: operators.adjoint(3, PICTURE, IMAGE)),
    ("operator is 3;", lambda: operators.back_projection(3, PICTURE, IMAGE)),
    ("operator is 3;", lambda: operators.filled_back_projection(3, PICTURE, IMAGE)),
    ("operator is 3;", lambda: operators.gain(3, IMAGE)),
    ("operator is 3;", lambda: operators.is_seen(3, IMAGE)),
    ("image is (12, 15, 3);", lambda: operators.is_seen(Identity(), (12, 15, 3))),
    ("image is (12, 15, 3);", lambda: operators.gain(fourier, (12, 15, 3))),
    ("the operator cannot be transposed", lambda: transposed(jnp.square, PICTURE)),
    ("the operator cannot be transposed", lambda: transposed(Identity(), GRAY)),
    ("the operator cannot be transposed", lambda: transposed(fails, PICTURE)),
]
PROBLEMS = [
    ("noise is 0.1; accepted: Gaussian(0.1), P", lambda: restored(noise=0.1)),
    ("noise is -1; accepted: Gaussian(...), P", lambda: restored(noise=-1)),
    ("noise is 'gaussian'", lambda: restored(noise="gaussian")),
    ("noise is Gaussian;", lambda: restored(noise=Gaussian)),
    ("noise level is -1;", lambda: Gaussian(-1)),
    ("noise level is 0;", lambda: Gaussian(0)),
    ("noise level is 'x';", lambda: Gaussian("x")),
    ("noise level is nan;", lambda: Gaussian(NOT_A_NUMBER)),
    ("noise level has shape (5, 5)", lambda: restored(noise=Gaussian(np.ones((5, 5))))),
    ("photon scale is 0;", lambda: Poisson(0)),
    ("photon scale is 'x';", lambda: Poisson("x")),
    ("photon scale has shape (2,)", lambda: restored(noise=Poisson(np.ones(2)))),
    ("image_shape is (8, 8);", lambda: restored(image_shape=(8, 8))),
    ("image_shape is '8x8';", lambda: restored(image_shape="8x8")),
    ("image_shape is ('a', 8, 3);", lambda: restored(image_shape=("a", 8, 3))),
    ("image_shape is (8.0, 8, 3);", lambda: restored(image_shape=(8.0, 8, 3))),
    ("image_shape is (True, 8, 3);", lambda: restored(image_shape=(True, 8, 3))),
    ("image_shape is 3;", lambda: restored(image_shape=3)),
    ("image_shape is (12, 15, 1);", lambda: restored(image_shape=(12, 15, 1))),
    (
        "image has shape (4, 4, 1)",
        lambda: restored(np.zeros(16, np.complex64), operator=fourier, image_shape=(4, 4, 1)),
    ),
    (
        "the operator does not say the shape of its image",
        lambda: restored(np.zeros(64, np.complex64), operator=fourier),
    ),
    ("value_range is (1, 0);", lambda: restored(value_range=(1, 0))),
    ("value_range is (0,);", lambda: restored(value_range=(0,))),
    ("value_range is (nan, 1);", lambda: restored(value_range=(NOT_A_NUMBER, 1))),
    ("value_range is (0, inf);", lambda: restored(value_range=(0, float("inf")))),
    ("value_range is ('a', 'b');", lambda: restored(value_range=("a", "b"))),
    ("value_range is 255;", lambda: restored(value_range=255)),
    ("value_range is (array(", lambda: restored(value_range=(np.zeros(3), np.ones(3)))),
    ("complex_image is 1;", lambda: restored(complex_image=1)),
    ("complex_image is None;", lambda: restored(complex_image=None)),
    ("reference has shape (11, 15, 3)", lambda: restored(reference=PICTURE[1:])),
    ("reference has shape None", lambda: restored(reference=[1.0, 2.0])),
    ("reference is 'x.png'", lambda: restored(reference="x.png")),
    ("reference has NaN or infinity in", lambda: restored(reference=NAN)),
    ("reference has values from", lambda: restored(reference=255 * PICTURE)),
    ("reference has type uint8", lambda: restored(reference=PICTURE.astype(np.uint8))),
    ("reference has type complex64", lambda: restored(reference=PICTURE + 0j)),
    ("metric is 3;", lambda: restored(metric=3)),
    ("metric is 'psnr';", lambda: restored(metric="psnr")),
    ("metric fails", lambda: restored(metric=fails, reference=PICTURE)),
    ("metric add gives shape real (12,", lambda: restored(metric=jnp.add, reference=PICTURE)),
    ("callback is 3;", lambda: restored(callback=3)),
    ("a callback cannot be called", lambda: jax.jit(called_back)(PICTURE)),
    ("problem is 3;", lambda: begin(3, method=NETWORK, key=KEY)),
    ("problem is an array", lambda: begin(PICTURE, method=NETWORK, key=KEY)),
    ("method is None;", lambda: begin(PROBLEM, method=None, key=KEY)),
    ("key is 0;", lambda: begin(PROBLEM, method=NETWORK, key=0)),
]
BATCHES = [
    ("images is None;", lambda: restore_many(None, key=KEY)),
    ("images is an array", lambda: restore_many(BATCH, key=KEY)),
    ("images is 'x.png';", lambda: restore_many("x.png", key=KEY)),
    ("images is Problem(", lambda: restore_many(PROBLEM, key=KEY)),
    ("images is Request(", lambda: restore_many(Request(PICTURE), key=KEY)),
    ("slots is 0;", lambda: restore_many([], key=KEY, slots=0)),
    ("slots is 1.5;", lambda: restore_many([], key=KEY, slots=1.5)),
    ("slots is 'x';", lambda: restore_many([], key=KEY, slots="x")),
    ("devices is ['cpu'];", lambda: restore_many([], key=KEY, devices=["cpu"])),
    ("devices is [];", lambda: restore_many([], key=KEY, devices=[])),
    ("key is 0;", lambda: restore_many([], key=0)),
    ("method is 'fast';", lambda: restore_many([], key=KEY, method="fast")),
]
PICTURES = [
    ("image has shape (11, 15, 3)", lambda: metrics.psnr(PICTURE[1:], PICTURE)),
    ("image has type uint8", lambda: metrics.psnr(PICTURE.astype(np.uint8), PICTURE)),
    ("image is None;", lambda: metrics.psnr(None, PICTURE)),
    ("reference is 'x.png';", lambda: metrics.psnr(PICTURE, "x.png")),
    ("image has shape (11, 15, 3)", lambda: metrics.ssim(PICTURE[1:], PICTURE)),
    ("image has shape (7, 7, 3)", lambda: metrics.ssim(SMALL, SMALL)),
    ("image has shape (11, 15, 3)", lambda: metrics.luma_psnr(PICTURE[1:], PICTURE)),
    ("image has shape (12, 15, 2)", lambda: metrics.luma(PICTURE[..., :2])),
    ("image has shape (12, 15)", lambda: metrics.luma(GRAY)),
    ("border is -1;", lambda: metrics.luma_without_border(PICTURE, border=-1)),
    ("border is 'x';", lambda: metrics.luma_without_border(PICTURE, border="x")),
    ("image has shape (7, 7, 3)", lambda: metrics.psnr_where(SMALL, PICTURE, MASK)),
    ("selected has shape (7, 7, 3)", lambda: metrics.psnr_where(PICTURE, PICTURE, SMALL)),
    ("path is None;", lambda: read_image(None)),
    ("path is 3;", lambda: read_image(3)),
    ("missing.png: no such file", lambda: read_image("missing.png")),
    (".: not a file", lambda: read_image("")),
    ("path is None;", lambda: write_image(None, PHOTOGRAPH)),
    ("picture is None;", lambda: write_image("x.png", None)),
    ("picture is an array", lambda: write_image("x.png", PICTURE)),
    ("x.abc: unknown image format '.abc'", lambda: write_image("x.abc", PHOTOGRAPH)),
    ("x/x.png: the folder x does not exist", lambda: write_image("x/x.png", PHOTOGRAPH)),
    ("path is 3;", lambda: images.check_writable(3)),
    ("path is 3;", lambda: images.replace_whole(3).__enter__()),
    ("image has shape (12, 15)", lambda: images.Picture(GRAY)),
    ("image has type uint8", lambda: images.Picture(PICTURE.astype(np.uint8))),
    ("image has NaN or infinity in", lambda: images.Picture(NAN)),
    ("depth is 'RGB'", lambda: images.Picture(PICTURE, "RGB")),
    ("value_range is (1, 0)", lambda: images.Picture(PICTURE, value_range=(1, 0))),
    ("metadata is 3;", lambda: images.Picture(PICTURE, metadata=3)),
    ("icc_profile is 3;", lambda: images.Metadata(icc_profile=3)),
    ("pages is -1;", lambda: read_image("x.png", pages=-1)),
    ("value_range is 3;", lambda: read_image("x.png", value_range=3)),
    ("memory is 0.5;", lambda: read_image("x.png", memory=0.5)),
    ("quality is 101;", lambda: write_image("x.png", PHOTOGRAPH, quality=101)),
    ("alpha is 3 and the image has 3", lambda: images.Picture(PICTURE, alpha=3)),
    ("alpha is an array of type uint8 and shape (7, 7)", lambda: with_alpha((7, 7))),
    ("image has shape (7, 7, 3)", lambda: PHOTOGRAPH.with_image(SMALL)),
    ("image has shape ();", lambda: PHOTOGRAPH.with_image(None)),
]


@table(OBSERVATIONS, KEYS_AND_METHODS, OPERATORS, PROBLEMS, BATCHES, PICTURES)
def test_is_refused(beginning, call):
    check_refused(beginning, call)


RUNS = [
    ("run is 3;", lambda done, path: advance(3)),
    ("until is 'x';", lambda done, path: advance(done.run, until="x")),
    ("until is -1;", lambda done, path: advance(done.run, until=-1)),
    ("room is 0;", lambda done, path: advance(done.run, room=0)),
    ("restoration is None;", lambda done, path: resume(None, iterations=5)),
    ("restoration is Run(", lambda done, path: resume(done.run, iterations=5)),
    ("iterations is 2;", lambda done, path: resume(done, iterations=2)),
    ("iterations is '9';", lambda done, path: resume(done, iterations="9")),
    ("iterations is None;", lambda done, path: resume(done, iterations=None)),
    ("callback is 3;", lambda done, path: resume(done, iterations=5, callback=3)),
    ("status has shape (2,)", lambda done, path: resume(several(done), iterations=5)),
    ("status has shape (2,)", lambda done, path: several(done).message),
    ("observation is Restoration(", lambda done, path: restored(done)),
    ("path is None;", lambda done, path: save(None, done)),
    ("path is 3;", lambda done, path: save(3, done)),
    ("restoration is None;", lambda done, path: save(path / "new", None)),
    ("status has shape (2,)", lambda done, path: save(path / "new", several(done))),
    ("FOLDER/file: holds something else", lambda done, path: save(path / "file", done)),
    ("FOLDER/file/new: cannot be written", lambda done, path: save(path / "file" / "new", done)),
    ("FOLDER: holds something else", lambda done, path: save(path, done)),
    ("path is None;", lambda done, path: load(None, problem=PROBLEM)),
    ("FOLDER/none: no checkpoint", lambda done, path: load(path / "none", problem=PROBLEM)),
    ("FOLDER/damaged: cannot be read", lambda done, path: load(path / "damaged", problem=PROBLEM)),
    ("FOLDER/file: no checkpoint", lambda done, path: load(path / "file", problem=PROBLEM)),
    ("problem is None;", lambda done, path: loaded(path, problem=None)),
    ("problem is an array", lambda done, path: loaded(path, problem=PICTURE)),
    ("method is 'fast';", lambda done, path: loaded(path, method="fast")),
    ("problem.observation is ", lambda done, path: loaded(path, problem=Problem(PICTURE / 2))),
    ("problem.noise is ", lambda done, path: loaded(path, problem=NOISY)),
    ("method.", lambda done, path: loaded(path, method=NETWORK.adjusted(learning_rate=0.2))),
    ("method is ", lambda done, path: loaded(path, method=Denoise())),
]


@pytest.fixture(scope="module")
def done():
    return restored(method=NETWORK)


@pytest.fixture(scope="module")
def folder(done, tmp_path_factory):
    """A folder with a file, a checkpoint and a damaged one in it."""
    folder = tmp_path_factory.mktemp("folder")
    (folder / "file").write_text("text")
    save(folder / "saved", done)
    (folder / "damaged" / "description").mkdir(parents=True)
    return folder


@table(RUNS)
def test_of_a_run_is_refused(beginning, call, done, folder):
    check_refused(beginning.replace("FOLDER", str(folder)), lambda: call(done, folder))
