"""The errors that microtwin raises on purpose.

Every one of them is something the user can act on; the command line prints them as one line and
exits with code 2. Anything else that escapes is a bug and keeps its traceback.
"""

from functools import partial

# What taking apart a damaged record leads to: a name is missing, a number is a text or too large.
OF_DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class MicrotwinError(Exception):
    """Base of all errors that microtwin raises on purpose."""


class InputError(MicrotwinError, ValueError):
    """An argument, a file or a folder is not what was asked for."""


class DeviceError(MicrotwinError, RuntimeError):
    """The device that was asked for is not there or was not built in."""


class CheckpointError(MicrotwinError, ValueError):
    """A checkpoint is missing, damaged or belongs to something else."""


class TrainingError(MicrotwinError, RuntimeError):
    """Training cannot go on, for instance because a loss is no longer finite."""


class NotEnoughMemoryError(MicrotwinError, MemoryError):
    """Something needs more memory than is free; it was not begun."""


class ConvergenceError(MicrotwinError, RuntimeError):
    """A solver stopped before the answer was known as well as it was asked for.

    Attributes
    ----------
    lower, upper : float
        The answer lies between them: what is certain all the same.
    iterations : int
        After how many steps the solver stopped.
    """

    def __init__(self, message: str, *, lower: float, upper: float, iterations: int) -> None:
        super().__init__(message)
        self.lower = lower
        self.upper = upper
        self.iterations = iterations

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error travel between processes."""
        build = partial(type(self), lower=self.lower, upper=self.upper, iterations=self.iterations)
        return build, self.args
