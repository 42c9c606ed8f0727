"""Good tables, pictures and weights, as people damage them: the right result, or one sentence."""

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save

from hierarcaps.data.decoding import decode_image
from hierarcaps.data.hierarchy import read_hierarchies
from hierarcaps.data.images import open_images
from hierarcaps.evaluation.tasks.retrieval import read_captions as captions_of_images
from hierarcaps.generation.sources import read_captions
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.weights_files import read_state

SEEDED = settings(
    derandomize=True, deadline=None, max_examples=120, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
CAPTIONS = [
    "a red duck, on a beach",
    'the "big" car',
    "two boats\nat sea",
    "a tree",
    "ein Bär, 名前",
]
ROWS = [(f"{number:03d}.jpg", caption) for number, caption in enumerate(CAPTIONS)]


def rendered(rows, header, separator, quoting, ending):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator, quoting=quoting, lineterminator=ending)
    writer.writerows([header, *rows])
    return buffer.getvalue()


damage = st.sampled_from(
    ["nothing", "unquote", "add a cell", "drop a cell", "swap cells", "cut", "flip a byte",
     "drop a quote", "double a row", "blank line", "byte order mark", "drop a row end"],
)  # fmt: skip


def damaged(content: bytes, kind: str, draw, separator: bytes = b",") -> bytes:
    lines = content.split(b"\n")
    place = draw(st.integers(0, max(0, len(lines) - 2)))
    if kind == "unquote":
        return content.replace(b'"', b"")
    if kind == "add a cell":
        # Within quotes it would be more of a text and no cell.
        while b"\n".join(lines[: place + 1]).count(b'"') % 2:
            place += 1
        lines[place] = lines[place].rstrip(b"\r") + draw(
            st.sampled_from([separator, separator + b"x", b"\tx"])
        )
    elif kind == "drop a cell":
        lines[place] = lines[place].rpartition(separator)[0]
    elif kind == "swap cells":
        lines[place] = separator.join(lines[place].split(separator, 1)[::-1])
    elif kind == "cut":
        return content[: draw(st.integers(0, len(content)))]
    elif kind == "flip a byte":
        at = draw(st.integers(0, len(content) - 1))
        return content[:at] + bytes([content[at] ^ draw(st.integers(1, 255))]) + content[at + 1 :]
    elif kind == "drop a quote":
        return content.replace(b'"', b"", draw(st.integers(1, 3)))
    elif kind == "double a row":
        lines.insert(place, lines[place])
    elif kind == "blank line":
        lines.insert(place, b"")
    elif kind == "byte order mark":
        return b"\xef\xbb\xbf" + content
    elif kind == "drop a row end":
        lines[place : place + 2] = [b"".join(lines[place : place + 2])]
    return b"\n".join(lines)


def checked(read):
    """Return what is read, or None where it is refused in one sentence."""
    try:
        return read()
    except InputError as error:
        message = str(error)
    assert "\n" not in message
    assert "weights_only" not in message
    return None


@SEEDED
@given(data=st.data())
def test_a_damaged_caption_table_is_read_rightly_or_refused(tmp_path, data):
    kind = data.draw(damage)
    ending = data.draw(st.sampled_from(["\n", "\r\n"]))
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    content = rendered(ROWS, ("image", "caption"), ",", quoting, ending).encode()
    path = tmp_path / "captions.csv"
    path.write_bytes(damaged(content, kind, data.draw))
    found = checked(lambda: read_captions(path))
    by_image = checked(lambda: captions_of_images(path))
    if kind in ("nothing", "byte order mark"):
        assert list(found.itertuples(index=False, name=None)) == [(c, i) for i, c in ROWS]
        assert by_image == {image: [caption] for image, caption in ROWS}
    if kind in ("unquote", "add a cell", "drop a cell"):
        # Half a caption is never a caption, nor the other half an image.
        for each in by_image or {}:
            assert each in dict(ROWS)
        whole = {caption.replace('"', "") for caption in CAPTIONS} | set(CAPTIONS)
        # A tab is part of a text in a file of commas.
        assert found is None or {each.partition("\t")[0] for each in found["caption"]} <= whole
    if kind == "swap cells" and found is not None:
        assert set(found["image"].dropna()) <= {*dict(ROWS), "a tree"}


@SEEDED
@given(data=st.data())
def test_a_damaged_conceptual_table_is_read_rightly_or_refused(tmp_path, data):
    kind = data.draw(damage.filter(lambda each: "quote" not in each))
    order = data.draw(st.sampled_from([("caption", "url"), ("url", "caption")]))
    rows = [(f"http://x.org/{i}", caption.replace("\n", " ")) for i, caption in ROWS]
    rows = rows if order[0] == "url" else [row[::-1] for row in rows]
    headed = [order] * data.draw(st.booleans())
    content = "".join("\t".join(row) + "\n" for row in [*headed, *rows]).encode()
    path = tmp_path / "cc.tsv"
    path.write_bytes(damaged(content, kind, data.draw, separator=b"\t"))
    found = checked(lambda: read_captions(path, "conceptual"))
    if found is None:
        assert kind != "nothing"
    elif kind != "flip a byte":
        # Whatever happened to the rows: a caption is never an address, an address never a caption.
        assert not found["caption"].str.startswith("http").any()
        assert found["image"].dropna().str.startswith("http").all()


@SEEDED
@given(data=st.data())
def test_a_damaged_table_of_hierarchies_is_read_rightly_or_refused(tmp_path, data):
    kind = data.draw(damage)
    rows = [(str(n), f"a => b => c => {c}", i) for n, (i, c) in enumerate(ROWS)]
    header = ("id", "captions", "image_url")
    content = rendered(rows, header, ",", csv.QUOTE_MINIMAL, "\n").encode()
    path = tmp_path / "test.csv"
    path.write_bytes(damaged(content, kind, data.draw))
    found = checked(lambda: read_hierarchies(path))
    for item in found or []:
        assert len(item.tiers) == 4
        if kind in ("unquote", "add a cell", "drop a cell", "blank line"):
            # A tab is part of a name in a file of commas: no such image, said where it is opened.
            assert item.image.partition("\t")[0] in dict(ROWS)
    if kind in ("nothing", "byte order mark"):
        assert [item.tiers[-1] for item in found] == CAPTIONS


MODES = ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I;16", "F", "I"]
KINDS = ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM"]


def drawn_picture(data) -> bytes | None:
    mode, kind = data.draw(st.sampled_from(MODES)), data.draw(st.sampled_from(KINDS))
    width, height = data.draw(st.sampled_from([(16, 12), (1, 1), (300, 1), (1, 120), (40, 40)]))
    levels = np.random.default_rng(0).integers(0, 256, (height, width, 4), dtype=np.uint8)
    if mode in ("I;16", "F", "I"):
        kinds = {"I;16": np.uint16, "F": np.float32, "I": np.int32}
        image = Image.fromarray(levels[..., 0].astype(kinds[mode]))
    else:
        image = Image.fromarray(levels).convert(mode)
    notes = Image.Exif()
    notes[274] = data.draw(st.integers(0, 9))
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind, exif=notes)
    except (OSError, ValueError):  # no such mode in this format
        return None
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(SEEDED, max_examples=250)
@given(data=st.data())
def test_a_damaged_picture_is_decoded_or_refused(data):
    content = drawn_picture(data)
    if content is None:
        return
    whole = data.draw(st.booleans())
    if not whole:
        content = damaged(content, data.draw(st.sampled_from(["cut", "flip a byte"])), data.draw)
    image = checked(lambda: decode_image(io.BytesIO(content), "picture"))
    assert image is None or image.mode == "RGB"
    assert image is None or max(image.size) <= 100 * min(image.size)


def drawn_weights(data) -> tuple[dict[str, torch.Tensor], bytes, str]:
    state = {"logit_scale": torch.ones(()), "w": torch.arange(12.0).reshape(3, 4)}
    if data.draw(st.booleans()):
        return state, save(state), "a.safetensors"
    beside = {"loss": np.float64(1), "path": Path("a"), "state_dict": state}
    content = beside if data.draw(st.booleans()) else state
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=data.draw(st.booleans()))
    return state, buffer.getvalue(), "a.pt"


@settings(SEEDED, max_examples=300)
@given(data=st.data())
def test_damaged_weights_are_read_or_refused(tmp_path, data):
    state, content, name = drawn_weights(data)
    kind = data.draw(st.sampled_from(["nothing", "cut", "flip a byte", "wrong name"]))
    if kind == "wrong name":
        name = data.draw(st.sampled_from(["a.safetensors", "a.pt", "a.bin"]))
    path = tmp_path / name
    path.write_bytes(damaged(content, kind, data.draw))
    found = checked(lambda: read_state(path))
    assert found is None or all(isinstance(value, torch.Tensor) for value in found.values())
    if kind == "nothing":
        assert found.keys() == state.keys()
    if kind in ("nothing", "cut", "wrong name") and found is not None:
        assert all(torch.equal(found[key], state[key]) for key in state)


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12)


@settings(SEEDED, max_examples=40)
@given(stored=st.lists(names, max_size=4), asked=names, kind=st.integers(0, 3))
def test_a_store_gives_the_image_of_that_name_or_refuses(tmp_path, stored, asked, kind):
    buffer = io.BytesIO()
    Image.new("RGB", (3, 3), "red").save(buffer, "PNG")
    texts = [pa.string(), pa.large_string(), pa.string_view(), pa.string()][kind]
    column = pa.array(stored, texts)
    if kind == 3:
        column = column.dictionary_encode()
    path = Path(tmp_path, "images.parquet")
    images = pa.array([buffer.getvalue()] * len(stored), pa.binary())
    pq.write_table(pa.table({"name": column, "image": images}), path)
    store = checked(lambda: open_images(path))
    if store is None:
        assert len(set(stored)) < len(stored)
        return
    for name in stored:
        assert store[name].getpixel((0, 0)) == (255, 0, 0)
    image = checked(lambda: store[asked])
    assert (image is not None) == (asked in store)
