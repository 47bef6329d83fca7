"""The pictures of docs/contest.md, from the reports: pictures.py RESULTS OUT.png"""

import base64
import io
import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

PICTURE = re.compile(r'<img class="pixels" src="data:image/png;base64,([^"]+)" alt="([^"]+)"')
AXES = ("z", "y", "x")


def pictures(path: Path) -> dict[str, list[Image.Image]]:
    """Return the slices of the first volume, or the first images, of each member."""
    found: dict[str, list[Image.Image]] = {}
    for data, alt in PICTURE.findall(path.read_text("utf-8")):
        name, slices, _ = alt.partition(", slice through the middle across ")
        if not slices:
            name, phases, _ = alt.partition(", phases of ")
            if not phases:
                continue
        found.setdefault(name, []).append(Image.open(io.BytesIO(base64.b64decode(data))))
    return found


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    every = {path.stem: pictures(path) for path in sorted(folder.glob("*.html"))}
    names = [n for n in next(iter(every.values())) if n != "real, training part"]
    figure, axes = plt.subplots(len(every), len(names), figsize=(11, 2.6 * len(every)))
    for row, (material, found) in zip(axes, every.items(), strict=True):
        for axis, name in zip(row, names, strict=True):
            some = found[name]
            width, height = some[0].width, sum(one.height + 4 for one in some[:2]) - 4
            sheet = Image.new("L", (width, height), 255)
            at = 0
            for one in some[:2]:
                sheet.paste(one.convert("L"), (0, at))
                at += one.height + 4
            axis.imshow(sheet, cmap="gray", interpolation="nearest")
            axis.set_axis_off()
            axis.set_title(name, fontsize=8)
        row[0].text(-0.12, 0.5, material, rotation=90, va="center", transform=row[0].transAxes)
    figure.savefig(out, dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    main()
