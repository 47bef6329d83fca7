"""The errors that microtwin raises on purpose.

Every one of them is something the user can act on; the command line prints them as one line and
exits with code 2. Anything else that escapes is a bug and keeps its traceback.
"""


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
