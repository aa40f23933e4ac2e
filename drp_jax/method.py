"""What a method is: the steps from a problem to a restoration.

A method is a frozen dataclass that is a pytree (see `pytrees.record`), with the pure functions
below. It says how an image is found, and nothing of how a run is driven: `loop` runs any method.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp

from drp_jax.errors import InputError, meant, require_kind, require_number, require_whole, shown
from drp_jax.problem import Problem
from drp_jax.pytrees import record
from drp_jax.stopping import StoppingRule

State = Any
"""A pytree of a method's own."""

MOST_ITERATIONS = 10_000_000


@record
class Loop:
    """How long a method runs and which of its images is returned.

    Attributes:
      iterations: limit on the number of iterations, from 1 to ten million.
      ema_decay: weight of the past in an exponential average of the images, in [0, 1); None takes
        the images as they are. The average is bias-corrected: it starts at the first image.
      stopping: a rule that ends the run early and says which image is the best, or None. It
        watches the images; what is kept is the average if images are averaged.

    Raises:
      InputError: if a value is out of its range.
    """

    iterations: int | jax.Array = 5000
    ema_decay: float | jax.Array | None = None
    stopping: StoppingRule | None = None

    def __post_init__(self) -> None:
        require_whole(self.iterations, "iterations", 1, MOST_ITERATIONS)
        if self.ema_decay is not None:
            require_number(
                self.ema_decay, "ema_decay", 0, 1, most_allowed=False, accepted="in [0, 1), or None"
            )
        kinds = (StoppingRule, type(None))
        require_kind(self.stopping, kinds, "stopping", "None, or a rule, like Plateau()")

    @property
    def iterate(self) -> str:
        """Which image of a run is returned."""
        if self.stopping is not None:
            return "best by the stopping rule"
        return "last" if self.ema_decay is None else "averaged"


class Stage(NamedTuple):
    """A stretch of a run in which every iteration takes the same step.

    Attributes:
      name: what a person is told that is happening.
      step: maps problem and state to the next state.
      end: number of iterations of the run after which the stage is over.
      later: the same for each further round, of a method that goes through its stages again.
    """

    name: str
    step: Callable[[Problem, State], State]
    end: int | jax.Array
    later: tuple[int | jax.Array, ...] = ()

    @property
    def ends(self) -> tuple[int | jax.Array, ...]:
        """The ends in all rounds."""
        return (self.end, *self.later)

    def end_of(self, round_number: int | jax.Array) -> jax.Array:
        """The end in a round, counted from 0."""
        return jnp.stack([jnp.asarray(end, jnp.int32) for end in self.ends])[round_number]


def unrolled(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The same stages in one round, with every round written out."""
    rounds = zip(*(stage.ends for stage in stages), strict=True)
    return tuple(
        stage._replace(end=end, later=())
        for ends in rounds
        for stage, end in zip(stages, ends, strict=True)
    )


class Method:
    """Base of all methods. A new one is a `record` with `loop`, `init`, `step` and `image`.

    Attributes:
      name: what it is called.
      measures: names of the numbers that `measured` gives, which the history keeps; the first is
        what a person is shown.
      is_finite_process: whether it has so many steps and no more, as filters have.
      is_local: whether a pixel depends on those around it alone, so that a picture can be restored
        in tiles.
      is_compiled: whether `init` is compiled; what calls programs outside of JAX need not be.
      advice: what may help if values become non-finite.
      loop: how long it runs, see `Loop`.
    """

    name: str
    loop: Loop
    measures: ClassVar[tuple[str, ...]] = ()
    is_finite_process: ClassVar[bool] = False
    is_local: ClassVar[bool] = False
    is_compiled: ClassVar[bool] = True
    advice: ClassVar[str] = ""

    def check(self, problem: Problem) -> None:
        """Raises `InputError` if the method cannot do what the problem asks for."""

    def init(self, problem: Problem, key: jax.Array) -> State:
        """The state before the first step; everything random is drawn from the key."""
        raise NotImplementedError

    def step(self, problem: Problem, state: State) -> State:
        """The state after one iteration."""
        raise NotImplementedError

    def with_loop(self, loop: Loop) -> Self:
        """The same method with another loop."""
        return dataclasses.replace(self, loop=loop)  # type: ignore[type-var]

    def started_at(self, problem: Problem, state: State, image: jax.Array) -> State:
        """The state of `init` that starts at another image, for methods that can."""
        raise NotImplementedError

    def informed(self, sample: Problem) -> Self:
        """The same method, told what it would find out of a whole observation, for parts of it.

        Args:
          sample: the problem of parts from all over the observation, put together.
        """
        return self

    def stages(self, problem: Problem) -> tuple[Stage, ...]:
        """The stretches of a run, in order: one, unless steps differ.

        They are compiled one after the other, so that a batch does not compute all kinds of steps
        at every iteration, as it would if a step chose. What is done twice is a second round of the
        same stages, so that it is compiled once. All stages of a method have as many rounds.
        """
        return (Stage("", self.step, self.loop.iterations),)

    def image(self, problem: Problem, state: State) -> jax.Array:
        """The image `[H, W, C]` of the last iteration; its shape also before the first."""
        raise NotImplementedError

    def measured(self, problem: Problem, state: State) -> dict[str, jax.Array]:
        """The numbers called `measures` of the last iteration, as scalars."""
        return {}

    def uncertainty(self, problem: Problem, state: State) -> jax.Array | None:
        """How uncertain each pixel is, `[H, W]`, or None if the method does not say."""
        return None

    def remark(self, state: State) -> str:
        """What was found out about the observation, for a person; empty if there is nothing."""
        return ""

    def trees(self, state: State) -> Any:
        """The trained and the frozen variables, see `untrained.Trees`, or None without any."""
        return None

    def adjusted(self, **changes: Any) -> Self:
        """The same method with some numbers replaced; those that are None stay.

        Raises:
          InputError: if the method has no such number, or it is out of its range.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        setters = self.adjustments()
        for name, value in given.items():
            if name not in setters:
                raise InputError(
                    f"{name} is {shown(value)}, and method {self.name} takes none"
                    f"{meant(name, setters)}; accepted: {', '.join(setters) or 'nothing'}"
                )
        return functools.reduce(
            lambda method, change: method.adjustments()[change[0]](change[1]),
            given.items(),
            self,
        )

    def adjustments(self) -> Mapping[str, Callable[[Any], Any]]:
        """What `adjusted` takes: by name, a function from the value to the new method."""
        return {}


def adjustments_of(whole: Method, part: str) -> dict[str, Callable[[Any], Any]]:
    """What `adjusted` takes of a method that is a field of another, as adjustments of the whole."""
    inner = getattr(whole, part)

    def changed(name: str, value: Any) -> Any:
        return dataclasses.replace(whole, **{part: inner.adjusted(**{name: value})})  # type: ignore[type-var]

    return {name: functools.partial(changed, name) for name in inner.adjustments()}
