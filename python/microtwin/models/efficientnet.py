"""EfficientNet-Lite0: EfficientNet-B0 (Tan and Le, arXiv:1905.11946) for small devices.

4,652,008 trainable parameters. Without squeeze and excitation, with ReLU6; the authors' own, see
their blog "Higher accuracy on vision models with EfficientNet-Lite" (TensorFlow, 2020).
"""

from flax import nnx
from jax import Array

from microtwin.models.backbone import Backbone
from microtwin.models.mobilenet import LAST, inverted_blocks

MEAN, DEVIATION = 127.0, 128.0  # of 255
ROWS = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


class EfficientNetLite0(Backbone):
    """Sixteen inverted residuals between two convolutions."""

    architecture = "efficientnet-lite0"
    channels = LAST

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.blocks = inverted_blocks(ROWS, momentum=0.99, rngs=rngs)

    def preprocess(self, images: Array) -> Array:
        """Bring 0..255 to (x - 127) / 128, from 0..1."""
        return (255 * images - MEAN) / DEVIATION
