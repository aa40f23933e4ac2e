"""Reading and writing image files: the only part of the library that touches pictures on disk.

Inside the library an image is float32 `[H, W, C]` in [0, 1]. A `Picture` adds what a file has
beside that, so that a result can be written like its input: docs/files.md.
"""

from drp_jax.images.files import replace_whole
from drp_jax.images.metadata import Metadata
from drp_jax.images.picture import Picture
from drp_jax.images.reading import read_image
from drp_jax.images.writing import check_writable, write_image

__all__ = [
    "Metadata",
    "Picture",
    "check_writable",
    "read_image",
    "replace_whole",
    "write_image",
]
