"""When a result cannot be written after the run: the picture is kept, and it is said where."""

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator

from drp_jax import InputError, write_image
from drp_jax.images import Picture
from drp_jax.images.writing import suffix_for


def write_or_rescue(path: pathlib.Path, picture: Picture, *, quality: int | None) -> None:
    """Writes a picture, or if that fails writes it to the folder for temporary files.

    Raises:
      InputError: if it could not be written to `path`; it says where it is.
    """
    try:
        write_image(path, picture, quality=quality)
    except InputError as error:
        try:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="drp_jax-"))
            elsewhere = folder / path.with_suffix(suffix_for(picture)).name
            write_image(elsewhere, picture)
        except (InputError, OSError):
            raise error from None
        raise InputError(f"{error}; the picture is kept as {elsewhere}") from None


@contextlib.contextmanager
def picture_is_there(path: pathlib.Path) -> Iterator[None]:
    """Adds to an `InputError` of what is written after the picture that the picture is there."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{error}; the restored image is there: {path}") from None
