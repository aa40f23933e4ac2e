"""How strong noise is at every scale, which for a camera's is not the same.

What a sensor adds is white, but demosaicing, the camera's own denoising and JPEG make it smooth
over a few pixels, and smoother in the colours than in the brightness. Its spectrum says so: the
standard deviation of every coefficient in the cosine transform of 8 x 8 pixels.

It is told from the picture alone, after Lebrun, Colom and Morel, The noise clinic: a blind image
denoising algorithm (IPOL 2015), by the patches that have the least of everything. Departures:
patches are chosen by one half of the coefficients and measured by the other, so that a choice does
not make what is measured smaller; all brightnesses share one spectrum, times a factor each; and
texture, which no choice of patches is free of at low frequencies, is kept out by what is known of
noise: towards low frequencies its spectrum flattens, and what is left of it in a smaller picture
follows from it.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drp_jax.errors import require, require_number, require_picture
from drp_jax.non_local.noise_estimate import local_mean
from drp_jax.non_local.opponent import cosines, to_opponent
from drp_jax.pytrees import record

SIZE = 8
LEAST_SIDE = 32

_ROUNDING = 1 / 255 / np.sqrt(12)  # noise that rounding to 8 bits makes
_LEAST = 1e-3
_MOST_PATCHES = 24_000
_BRIGHTNESSES = 6
_QUIETEST = 0.1  # share of the patches of a brightness that is measured
_ROUNDS = 4
_MOST_CLIPPED = 0.1  # of a patch
_LEAST_SHARE = 0.05  # of patches without clipping
_WINDOW = 7
_TYPICAL = 0.4  # quantile over the brightnesses: texture makes some of them too large
LARGE_SCALE = 3  # frequencies below are bounded by those above
_STEEPEST, _STEEPEST_OF_COLOURS = 1.3, 3.0  # growth of the energy from one frequency to the next
_TOLERANCE, _TOLERANCE_OF_COLOURS = 1.1, 1.2
FREQUENCY = np.hypot(*np.indices((SIZE, SIZE)))
# The quiet patches that are measured have less of the finest noise than others: cameras and JPEG
# smooth them more. Up to a quarter is added to it.
_RAISED = (1 + 0.25 * np.clip((FREQUENCY - 2) / 5, 0, 1))[..., None].astype(np.float32)
_WHITE, _ALIKE = 1.4, 1.6
_SPREAD = (0.02, 0.3)
_LEAST_UNEVEN = 3.2
_MEDIAN_OF_SQUARES = 0.4549  # of a standard normal distribution

_EVEN = (np.indices((SIZE, SIZE)).sum(0) % 2 == 0) & (FREQUENCY > 0)
_ODD = np.indices((SIZE, SIZE)).sum(0) % 2 == 1
_FINE = FREQUENCY >= LARGE_SCALE


@record
class NoiseSpectrum:
    """How strong noise is at every scale.

    Attributes:
      deviations: standard deviation of every coefficient in the orthonormal cosine transform of
        8 x 8 pixels, `[8, 8, C]` (intensity), above 0. RGB in opponent colours: brightness,
        red - blue, magenta - green.

    Raises:
      InputError: if the shape is another.
    """

    deviations: jax.Array

    def __post_init__(self) -> None:
        accepted = f"numbers above 0, ({SIZE}, {SIZE}, C)"
        require_number(self.deviations, "deviations", 0, least_allowed=False, accepted=accepted)
        shape = np.shape(self.deviations)
        is_right = len(shape) == 3 and shape[:2] == (SIZE, SIZE)
        require(is_right, f"deviations have shape {shape}; accepted: {accepted}")

    @property
    def level(self) -> jax.Array:
        """Standard deviation of a pixel's noise, root mean square over the channels."""
        return jnp.sqrt(jnp.mean(jnp.square(self.deviations)))

    @property
    def width(self) -> jax.Array:
        """Over about how many pixels the noise is smooth: 1 for white noise, p for p x p blocks."""
        power = jnp.mean(jnp.square(self.deviations), axis=-1)
        return jnp.sqrt(jnp.maximum(power[0, 0] / jnp.mean(power), 1.0))

    @property
    def is_white(self) -> jax.Array:
        """Whether the finest frequencies, which texture has little of, have about the same.

        All colours too, or noise that is alike in all of them would be white.
        """
        power = jnp.square(self.deviations)
        fine = (FREQUENCY >= 4.5) & (FREQUENCY < 6)
        finest = jnp.mean(power[FREQUENCY >= 7.5], axis=0)
        ratios = jnp.mean(power[fine], axis=0) / finest
        is_even = jnp.max(finest) < _ALIKE**2 * jnp.min(finest)
        return (jnp.max(ratios) < _WHITE**2) & is_even

    def halved(self) -> "NoiseSpectrum":
        """The spectrum in the picture of the means of 2 x 2 pixels.

        Its frequencies are the lower half, as much as a mean lets through of them, and what the
        upper half is mistaken for.
        """
        power = jnp.einsum("af,bg,fgc->abc", _halving(), _halving(), jnp.square(self.deviations))
        return NoiseSpectrum(jnp.sqrt(power))


@record
class EstimatedNoise:
    """The noise of an image, told from the image.

    Attributes:
      spectrum: that in the mean over the image.
      factor: how much stronger it is around every pixel, by brightness, `[H, W]`.
      spread: how much busier the quietest 30 % of patches are than the quietest 2 %: 1.2 to 1.5 if
        there is noise everywhere, more if it is texture that was measured.
    """

    spectrum: NoiseSpectrum
    factor: jax.Array
    spread: jax.Array

    @property
    def is_coloured(self) -> jax.Array:
        """Whether it is noise that is not white, and not texture."""
        return ~self.spectrum.is_white & (self.spread < _LEAST_UNEVEN)


def spectrum_of(noise: jax.Array) -> NoiseSpectrum:
    """The spectrum of noise of which there is a sample.

    Args:
      noise: `[H, W, C]` with nothing but noise, both sides from 32 up: an evenly lit wall less its
        mean, or the difference of two shots over the root of 2.
    """
    require_picture(noise, "noise", LEAST_SIDE)
    coefficients, _, _ = _patches(noise)
    power = jnp.mean(jnp.square(coefficients), axis=0)
    return NoiseSpectrum(jnp.maximum(jnp.sqrt(power), _LEAST))


def estimated_noise(image: jax.Array) -> EstimatedNoise:
    """The spectrum of the noise in an image, and how strong it is around every pixel.

    Args:
      image: `[H, W, C]`, values in [0, 1], both sides from 32 up. Patches that may have been
        clipped do not count unless nearly all were.
    """
    require_picture(image, "image", LEAST_SIDE)
    coefficients, brightness, is_clipped = _patches(image)
    binned = _by_brightness(brightness, is_clipped)
    energy = (jnp.square(coefficients) + _ROUNDING**2)[binned]
    centres = jnp.mean(brightness[binned], axis=1)

    def measured(_: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        power = state[0]
        relative = energy / power[None, None]
        by_even = jnp.mean(relative[:, :, _EVEN], axis=(2, 3))
        by_odd = jnp.mean(relative[:, :, _ODD], axis=(2, 3))
        of_odd, of_even = _quietest(energy, by_even), _quietest(energy, by_odd)
        quiet = jnp.where(_ODD[None, :, :, None], of_odd, of_even)
        factors = jnp.exp(jnp.mean(jnp.log(quiet / power[None])[:, _FINE], axis=(1, 2)))
        typical = jnp.quantile(quiet / factors[:, None, None, None], _TYPICAL, axis=0)
        return _bounded(typical), factors

    first = jnp.median(energy, axis=(0, 1)) / _MEDIAN_OF_SQUARES
    start = (first, jnp.ones(centres.shape))
    power, factors = lax.fori_loop(0, _ROUNDS, measured, start)
    mean = jnp.mean(factors)
    around = jnp.mean(local_mean(image, _WINDOW), axis=-1)
    by_pixel = jnp.sqrt(jnp.interp(around, centres, factors / mean))
    activity = jnp.mean((energy / power[None, None])[:, :, FREQUENCY > 0], axis=(2, 3))
    quiet, busy = jnp.quantile(activity, jnp.array(_SPREAD), axis=1)
    spectrum = NoiseSpectrum(jnp.maximum(jnp.sqrt(mean * power), _LEAST))
    return EstimatedNoise(spectrum, by_pixel, jnp.median(busy / quiet))


def two_scales(fine: NoiseSpectrum, coarse: NoiseSpectrum) -> tuple[NoiseSpectrum, NoiseSpectrum]:
    """The spectra of a picture and of the means of its 2 x 2 pixels, each helping the other.

    The smaller picture has more texture, which is told by the spectrum of the larger one, and by
    the brightness in the colours: their noise is not much stronger. In the larger one the low
    frequencies of the colours are steeper than can be told, and the smaller one says them. In both
    the finest noise, of which quiet patches have too little, is raised by up to a quarter.
    """
    expected = jnp.square(fine.halved().deviations)
    power = jnp.square(coarse.deviations)
    colours = slice(1, None) if power.shape[-1] == 3 else slice(0, 0)
    bounded = jnp.minimum(power, _TOLERANCE**2 * expected)
    by_brightness = _TOLERANCE_OF_COLOURS**2 * bounded[..., :1]
    most = jnp.maximum(_TOLERANCE**2 * expected, by_brightness)[..., colours]
    coarse_power = bounded.at[..., colours].set(jnp.minimum(power[..., colours], most))

    half = SIZE // 2
    along = passed_by_means(np.arange(half))
    passed = 0.5 * np.outer(along, along)
    low = coarse_power[::2, ::2] / np.square(passed)[..., None]
    fine_power = jnp.square(fine.deviations)
    low = jnp.maximum(fine_power[:half, :half, colours], low[..., colours])
    fine_power = fine_power.at[:half, :half, colours].set(low)
    fine, coarse = (NoiseSpectrum(_RAISED * jnp.sqrt(it)) for it in (fine_power, coarse_power))
    return fine, coarse


def _patches(image: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Cosine transforms `[n, 8, 8, C]`, brightness `[n]` and whether clipped `[n]` of patches.

    They begin at every second pixel, or further apart in large pictures.
    """
    height, width = image.shape[:2]
    stride = max(2, int(np.ceil(np.sqrt(height * width / _MOST_PATCHES))))
    within = np.arange(SIZE)
    rows, columns = (
        np.arange(0, side - SIZE + 1, stride)[:, None] + within for side in (height, width)
    )

    def cut(values: jax.Array) -> jax.Array:
        patches = values[rows][:, :, columns]
        return jnp.moveaxis(patches, 2, 1).reshape(-1, SIZE, SIZE, values.shape[-1])

    basis = cosines(SIZE)
    coefficients = jnp.einsum("nijc,ai,bj->nabc", cut(to_opponent(image)), basis, basis)
    extreme = jnp.any((image <= 0) | (image >= 1), axis=-1, keepdims=True)
    clipped = jnp.mean(cut(extreme.astype(image.dtype)), axis=(1, 2, 3))
    brightness = jnp.mean(cut(image), axis=(1, 2, 3))
    return coefficients, brightness, clipped > _MOST_CLIPPED


def _by_brightness(brightness: jax.Array, is_clipped: jax.Array) -> jax.Array:
    """Indices of patches in bins of one brightness each, `[bins, n / bins]`.

    Those that were clipped stand aside for others, of which some then stand twice.
    """
    usable = ~is_clipped | (jnp.mean(~is_clipped) < _LEAST_SHARE)
    order = jnp.argsort(jnp.where(usable, brightness, jnp.inf))
    total = brightness.size - brightness.size % _BRIGHTNESSES
    share = jnp.sum(usable) / total
    places = jnp.floor(jnp.arange(total) * share).astype(jnp.int32)
    return order[places].reshape(_BRIGHTNESSES, -1)


def _quietest(energy: jax.Array, activity: jax.Array) -> jax.Array:
    """Mean energies `[bins, 8, 8, C]` of the patches of every bin with the least activity."""
    count = max(1, round(_QUIETEST * activity.shape[1]))
    chosen = lax.top_k(-activity, count)[1]
    return jnp.mean(jnp.take_along_axis(energy, chosen[..., None, None, None], axis=1), axis=1)


def _bounded(power: jax.Array) -> jax.Array:
    """A spectrum without the texture that is left at low frequencies.

    From one frequency to the next lower one along an axis it grows as from there on outwards, if
    the logarithm is linear in the square of the frequency, but not at all or by less than a limit.
    """
    channels = power.shape[-1]
    most = np.full(channels, _STEEPEST)
    if channels == 3:
        most[1:] = _STEEPEST_OF_COLOURS
    inner = np.argwhere(FREQUENCY < LARGE_SCALE)
    for row, column in sorted(map(tuple, inner), key=lambda at: -np.hypot(*at)):
        outwards = []
        for at, down, right in ((row, 1, 0), (column, 0, 1)):
            near = power[row + down, column + right]
            far = power[row + 2 * down, column + 2 * right]
            steepness = ((at + 1) ** 2 - at**2) / ((at + 2) ** 2 - (at + 1) ** 2)
            outwards.append(near * jnp.clip((near / far) ** steepness, 1.0, most))
        bound = jnp.maximum(*outwards)
        if row + column > 0:  # the mean brightness of a patch says nothing
            bound = jnp.minimum(power[row, column], bound)
        power = power.at[row, column].set(bound)
    return power


def passed_by_means(frequencies: np.ndarray) -> np.ndarray:
    """What the mean of two pixels lets through of the frequencies of a patch of 8."""
    return np.cos(np.pi * frequencies / (2 * SIZE))


def _halving() -> np.ndarray:
    """Maps powers by frequency to those of means of two pixels, `[8, 8]`."""
    frequencies = np.arange(SIZE)
    matrix = np.zeros((SIZE, SIZE))
    # Each frequency itself, and the one that is mistaken for it.
    for places in (frequencies / 2, SIZE - frequencies / 2):
        passed = 0.5 * passed_by_means(places) ** 2
        near = np.maximum(1 - np.abs(np.minimum(places, SIZE - 1)[:, None] - frequencies), 0)
        matrix += passed[:, None] * near
    return matrix.astype(np.float32)
