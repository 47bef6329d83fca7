"""How the layers of each architecture are called in the files that others publish.

A table maps our path of a layer within a base (``blocks.3.depthwise.conv``), or of the whole
network's ``top.out``, to its name in a file; tables are in the order in which Keras keeps layers.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from microtwin.models import efficientnet, mobilenet, resnet, vgg

Table = Mapping[str, str]

Pairs = Iterator[tuple[str, str]]


def keras(architecture: str) -> Table | None:
    """Return the names of Keras's applications; None where it has no such network."""
    return dict(_KERAS[architecture]()) if architecture in _KERAS else None


def torch(architecture: str) -> tuple[Table, ...]:
    """Return the names in PyTorch, one table for each of the ways that are known."""
    return tuple(dict(pairs()) for pairs in _TORCH.get(architecture, ()))


def _vgg16() -> Pairs:
    for i, count in enumerate(vgg.CONVOLUTIONS):
        for j in range(count):
            yield f"blocks.{i}.convs.{j}", f"block{i + 1}_conv{j + 1}"
    yield from (("top.hidden.0", "fc1"), ("top.hidden.1", "fc2"), ("top.out", "predictions"))


def _resnet50v2() -> Pairs:
    yield "blocks.0.conv", "conv1_conv"
    place = 1
    for stack, (_, count, _) in enumerate(resnet.STACKS, 2):
        for block in range(1, count + 1):
            ours, theirs = f"blocks.{place}", f"conv{stack}_block{block}"
            yield f"{ours}.norm_in", f"{theirs}_preact_bn"
            yield f"{ours}.reduce", f"{theirs}_1_conv"
            yield f"{ours}.norm_reduced", f"{theirs}_1_bn"
            yield f"{ours}.conv", f"{theirs}_2_conv"
            yield f"{ours}.norm", f"{theirs}_2_bn"
            if block == 1:
                yield f"{ours}.shortcut", f"{theirs}_0_conv"
            yield f"{ours}.expand", f"{theirs}_3_conv"
            place += 1
    yield f"blocks.{place}.norm", "post_bn"
    yield "top.out", "predictions"


def _mobilenetv2() -> Pairs:
    yield from (("blocks.0.conv", "Conv1"), ("blocks.0.norm", "bn_Conv1"))
    count = sum(row[-1] for row in mobilenet.ROWS)
    for i in range(count):
        theirs = f"block_{i}" if i else "expanded_conv"
        for step in ("expand", "depthwise", "project") if i else ("depthwise", "project"):
            yield f"blocks.{i + 1}.{step}.conv", f"{theirs}_{step}"
            yield f"blocks.{i + 1}.{step}.norm", f"{theirs}_{step}_BN"
    yield from ((f"blocks.{count + 1}.conv", "Conv_1"), (f"blocks.{count + 1}.norm", "Conv_1_bn"))
    yield "top.out", "predictions"


def _efficientnet(*, timm: bool) -> Pairs:
    """Name the layers as timm does, or as L. Melas-Kyriazi's EfficientNet-PyTorch."""
    stem, last, dense = (
        (
            ("conv_stem", "bn1"),
            ("conv_head", "bn2"),
            "classifier",
        )
        if timm
        else (("_conv_stem", "_bn0"), ("_conv_head", "_bn1"), "_fc")
    )
    yield from (("blocks.0.conv", stem[0]), ("blocks.0.norm", stem[1]))
    place = 1
    for row, (times, *_, count) in enumerate(efficientnet.ROWS):
        wide = times > 1
        for block in range(count):
            steps = ("expand", "depthwise", "project") if wide else ("depthwise", "project")
            for k, step in enumerate(steps):
                if timm:
                    convs = ("conv_pw", "conv_dw", "conv_pwl") if wide else ("conv_dw", "conv_pw")
                    theirs, conv, norm = f"blocks.{row}.{block}", convs[k], f"bn{k + 1}"
                else:
                    theirs, conv = f"_blocks.{place - 1}", f"_{step}_conv"
                    norm = f"_bn{k if wide else k + 1}"
                yield f"blocks.{place}.{step}.conv", f"{theirs}.{conv}"
                yield f"blocks.{place}.{step}.norm", f"{theirs}.{norm}"
            place += 1
    yield from ((f"blocks.{place}.conv", last[0]), (f"blocks.{place}.norm", last[1]))
    yield "top.out", dense


_KERAS: Mapping[str, Callable[[], Pairs]] = {
    "vgg16": _vgg16,
    "resnet50v2": _resnet50v2,
    "mobilenetv2": _mobilenetv2,
}
_TORCH: Mapping[str, tuple[Callable[[], Pairs], ...]] = {
    "efficientnet-lite0": (partial(_efficientnet, timm=False), partial(_efficientnet, timm=True)),
}
