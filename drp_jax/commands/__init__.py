"""The program `drp-jax`: one file a command, and what the commands share.

`program` is the way in. `options` turns flags into a dataclass, `pictures` takes one picture or
`many`, each in its turn. `restoring` goes from the degraded image to the files written, `fit` runs
the restoration, `report` says what came of it.
"""
