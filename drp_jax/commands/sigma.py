"""The flag `--sigma` of the commands for gaps and enlargement: noise of the known pixels."""

from drp_jax import Gaussian, InputError, Method
from drp_jax.commands import options
from drp_jax.noise import NoiseFree
from drp_jax.non_local import PlugAndPlay


def sigma() -> float | None:
    """The field of the arguments."""
    return options.number(
        "Standard deviation of the noise on the 0-255 scale, 0 for none, if it is white and known; "
        "of the filter.",
        shown="told from the image",
        least=0,
        most=255,
    )


def stated_noise(given: float | None) -> Gaussian | NoiseFree | None:
    """What the flag says of the noise."""
    if given is None:
        return None
    return Gaussian(given / 255) if given > 0 else NoiseFree()


def check_sigma(given: float | None, method: Method) -> None:
    """Raises InputError if the flag is given for a method that takes none."""
    if given is not None and not isinstance(method, PlugAndPlay):
        raise InputError(
            f"--sigma is {given:g}, and method {method.name} takes none; accepted: method non-local"
        )
