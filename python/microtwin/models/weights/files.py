"""Which files the weights of ImageNet are in, where they are looked for, and how they get there."""

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microtwin._progress import ProgressCallback, silent
from microtwin.errors import CheckpointError, InputError

logger = logging.getLogger(__name__)

FOLDER = "MICROTWIN_WEIGHTS"  # the environment's name for the folder of weights
_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_KERNELS = "weights_tf_dim_ordering_tf_kernels"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file of weights as its authors published it.

    Attributes
    ----------
    name : str
        Of the file, in the folder of weights.
    url : str
        Where it comes from.
    md5 : str or None
        Its checksum, if the authors tell it. Without one a file is held against the network only:
        every array must be there, in its shape, and no other.
    """

    name: str
    url: str
    md5: str | None = None

    @property
    def checksum(self) -> str:
        """What there is to tell of its checksum."""
        return f"MD5 {self.md5}" if self.md5 else "no published checksum"


def _of_keras(folder: str, name: str, md5: str | None = None) -> WeightFile:
    return WeightFile(name, f"{_KERAS}/{folder}/{name}", md5)


# The bases, and the whole networks.
BASES = {
    "vgg16": _of_keras("vgg16", f"vgg16_{_KERNELS}_notop.h5", "6d6bbae143d832006294945121d1f1fc"),
    "resnet50v2": _of_keras(
        "resnet", f"resnet50v2_{_KERNELS}_notop.h5", "fac2f116257151a9d068a22e544a4917"
    ),
    "mobilenetv2": _of_keras("mobilenet_v2", f"mobilenet_v2_{_KERNELS}_1.0_224_no_top.h5"),
}
WHOLE = {
    "vgg16": _of_keras("vgg16", f"vgg16_{_KERNELS}.h5", "64373286793e3c8b2b4e3219cbf3544b"),
    "resnet50v2": _of_keras(
        "resnet", f"resnet50v2_{_KERNELS}.h5", "3ef43a0b657b3be2300d5770ece849e0"
    ),
    "mobilenetv2": _of_keras("mobilenet_v2", f"mobilenet_v2_{_KERNELS}_1.0_224.h5"),
    "efficientnet-lite0": WeightFile(
        "efficientnet_lite0.safetensors",
        "https://huggingface.co/timm/tf_efficientnet_lite0.in1k/resolve/main/model.safetensors",
    ),
}


def folder() -> Path:
    """Return the folder of weights: that in ``MICROTWIN_WEIGHTS``, or one in the user's cache."""
    from platformdirs import user_cache_path

    given = os.environ.get(FOLDER)
    return Path(given) if given else user_cache_path("microtwin") / "weights"


def fetch(wanted: WeightFile, *, download: bool, progress: ProgressCallback = silent) -> Path:
    """Return the path of a file of weights, once it is there and as it should be.

    It is looked for in `folder`, then where Keras keeps its downloads, and downloaded to `folder`
    if it is in neither.

    Raises
    ------
    InputError
        If it is not there and cannot be downloaded. The message says what to put where.
    CheckpointError
        If it is there, but damaged.
    """
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    for place in (folder(), home):
        path = place / wanted.name
        if path.is_file():
            _check(path, wanted)
            return path
    why = "downloading was not wanted"
    if download:
        try:
            return _download(wanted, progress)
        except ImportError:
            why = "downloading needs pooch: pip install 'microtwin[weights]'"
        except (OSError, ValueError) as error:  # of requests as well, and another checksum
            why = f"it could not be downloaded: {_reason(error)}"
    raise InputError(
        f"the weights are not here, and {why}. Get {wanted.url} ({wanted.checksum}) and put it at "
        f"{folder() / wanted.name}, or name the file; {FOLDER} names another folder"
    )


def _download(wanted: WeightFile, progress: ProgressCallback) -> Path:
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    path = pooch.retrieve(
        wanted.url,
        known_hash=f"md5:{wanted.md5}" if wanted.md5 else None,
        fname=wanted.name,
        path=folder(),
        downloader=pooch.HTTPDownloader(progressbar=_Bar(progress)),
    )
    logger.info("%s downloaded to %s, %s", wanted.url, path, wanted.checksum)
    return Path(path)


class _Bar:
    """What pooch tells of a download, as our reports of progress; in bytes."""

    def __init__(self, progress: ProgressCallback) -> None:
        self._progress, self._done, self.total = progress, 0, 0

    def update(self, more: int) -> None:
        self._done += more
        self._progress(self._done, max(self.total, self._done), {})

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass


def _check(path: Path, wanted: WeightFile) -> None:
    if wanted.md5 is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != wanted.md5:
        raise CheckpointError(
            f"{path} is damaged or another file: its MD5 is {found}, not {wanted.md5}; remove it "
            f"and get {wanted.url} again"
        )


def _reason(error: Any) -> str:
    """Return the innermost message, without the chain of objects that requests prints."""
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
