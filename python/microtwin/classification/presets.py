"""How each classifier is trained: one recipe a preset."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from microtwin.learning.augmentation import Augmentation
from microtwin.learning.optimisers import Rule

DEFAULT = "preclassifier"
FROZEN = r"base\..*"

TURNED = Augmentation(
    rotation=20, shift=0.2, shear=0.2, zoom=(0.8, 1.2), flip="horizontal"
)  # of the symbols; the shear is in degrees, as in Keras
MIRRORED = Augmentation(flip="horizontal")
CHEST = Augmentation(rotation=40, shift=0.2, shear=0.2, zoom=(0.7, 1.3), flip="horizontal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a classifier is trained.

    Attributes
    ----------
    name, summary : str
        How it is called, and for what it is.
    architecture : str
        Of the network, one of `microtwin.models.ARCHITECTURES`.
    options : mapping
        Further arguments of the network.
    one_logit : bool
        Whether two classes are told by one number.
    optimiser, rate, schedule : str, float, str
        See `microtwin.learning.optimisers`.
    batch, epochs : int
        Images a step, and the most epochs.
    monitor : str
        Column of the history that is watched: "val_loss" or "val_accuracy".
    patience : int or None
        Epochs without a new best after which training ends.
    reduce_patience : int or None
        ... after which the learning rate falls by `reduce_factor`.
    clip_norm : float or None
        Largest norm of the gradient of a parameter array.
    rules : tuple of Rule
        L1 and L2 by groups of parameters.
    augmentation : Augmentation or None
        How training images are changed.
    frozen : str or None
        Pattern of the parameters that are not learned.
    """

    name: str
    summary: str
    architecture: str
    options: Mapping[str, Any] = field(default_factory=dict)
    one_logit: bool = True
    optimiser: str = "adam"
    rate: float = 1e-3
    schedule: str = "constant"
    batch: int = 32
    epochs: int = 30
    monitor: str = "val_loss"
    patience: int | None = None
    reduce_patience: int | None = None
    reduce_factor: float = 0.1
    clip_norm: float | None = None
    rules: tuple[Rule, ...] = ()
    augmentation: Augmentation | None = None
    frozen: str | None = None


def _known() -> dict[str, Recipe]:
    symbols = Recipe(
        name="symbols-dense",
        summary="small symbols, two dense layers",
        architecture="symbols-dense",
        one_logit=False,
        rate=1e-4,
        epochs=100,
        patience=5,
        rules=(Rule(r"hidden.*kernel", l2=0.001),),
    )
    chest = Recipe(
        name="chest-cnn",
        summary="photographs and radiographs, from scratch",
        architecture="chest-cnn",
        optimiser="rmsprop",
        rate=5e-4,
        rules=(Rule(r"convs\.2\.kernel", l2=0.001),),
    )
    recipes = [
        Recipe(
            name="preclassifier",
            summary="micrographs: fit for use or not",
            architecture="preclassifier",
            epochs=50,
            monitor="val_accuracy",
            patience=10,
        ),
        symbols,
        replace(
            symbols,
            name="symbols-dense-augmented",
            summary="the same, images turned, moved and mirrored",
            augmentation=TURNED,
        ),
        Recipe(
            name="fashion-cnn",
            summary="small pictures, six convolutions",
            architecture="fashion-cnn",
            one_logit=False,
            optimiser="rmsprop",
            schedule="cosine",
            batch=100,
            epochs=40,
            monitor="val_accuracy",
            augmentation=MIRRORED,
        ),
        Recipe(
            name="fashion-rnn",
            summary="small pictures, read row by row",
            architecture="fashion-rnn",
            one_logit=False,
            optimiser="sgd",
            rate=0.03,
            schedule="cosine",
            clip_norm=1.0,
            batch=65,
            epochs=20,
            monitor="val_accuracy",
        ),
        Recipe(
            name="fashion-bilstm",
            summary="small pictures, rows read both ways",
            architecture="fashion-bilstm",
            one_logit=False,
            schedule="cosine",
            batch=64,
            epochs=7,
            monitor="val_accuracy",
        ),
        chest,
        replace(
            chest,
            name="chest-cnn-augmented",
            summary="the same, images turned, moved and mirrored, with dropout",
            options={"rate": 0.5},
            augmentation=CHEST,
        ),
        *(
            Recipe(
                name=f"{base}-transfer",
                summary="a head on what ImageNet taught",
                architecture=f"{base}-transfer",
                optimiser="rmsprop",
                rate=5e-4,
                frozen=FROZEN,
            )
            for base in ("vgg16", "resnet50v2", "mobilenetv2", "efficientnet-lite0")
        ),
    ]
    return {recipe.name: recipe for recipe in recipes}


PRESETS: Mapping[str, Recipe] = _known()
