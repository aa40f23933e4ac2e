"""What the tests of the commands share."""

import numpy as np
from conftest import make_photograph
from PIL import Image


def run(command, *arguments):
    """The exit status of a command, called in this process."""
    return command.main([*map(str, arguments)])


def refused(command, capsys, *arguments):
    """The one line that a bad input is answered with."""
    assert run(command, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{command.PROGRAM}: error: ")
    assert err.count("\n") == 1
    return err


def pixels_of(name):
    """The pixels of an image file as they are stored."""
    with Image.open(name) as opened:
        return np.asarray(opened)


def save(name, height=12, width=15, channels=3, seed=0):
    """Writes a small photograph under a name, and gives the name."""
    pixels = np.rint(make_photograph(height, width, channels, seed) * 255).astype(np.uint8)
    Image.fromarray(pixels.squeeze()).save(name)
    return name
