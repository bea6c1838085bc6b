"""Picture files of every kind that folders hold: right side up, at the right brightness, or refused in one line."""

import hashlib
import io
import struct
import tarfile
import zlib

import numpy
import pytest
import torch
from PIL import Image

from reference_impls.lab.data import debian, pictures
from reference_impls.lab.data.dataset import folder, in_turn
from reference_impls.lab.data.named import DatasetSpec, open_dataset
from reference_impls.lab.data.pictures import picture_files, read_image
from reference_impls.lab.errors import DatasetError, DeviceError

SIZE = 16
RAMP = numpy.linspace(0, 1, SIZE, dtype=numpy.float32)
GREY = numpy.broadcast_to(RAMP, (SIZE, SIZE))
"""Brighter to the right."""
RED_TOP = numpy.zeros((SIZE, SIZE, 3), numpy.uint8)
RED_TOP[: SIZE // 2, :, 0] = 255
RED_TOP[SIZE // 2 :, : SIZE // 2, 2] = 255
"""Red above; below blue at the left and black at the right."""


def eight():
    return Image.fromarray((GREY * 255).round().astype(numpy.uint8))


def sixteen():
    return Image.fromarray((GREY * 65535).round().astype(numpy.uint16))


def floats(scale=1.0):
    return Image.fromarray((GREY * scale).astype(numpy.float32))


GREYS = {
    "grey.png": eight,
    "grey.bmp": eight,
    "grey.tif": eight,
    "grey.gif": eight,
    "grey as RGB.webp": lambda: eight().convert("RGB"),
    "grey.jpg": eight,
    "grey with alpha.png": lambda: eight().convert("LA"),
    "palette.png": lambda: eight().convert("P"),
    "palette.gif": lambda: eight().convert("P"),
    "RGBA.png": lambda: eight().convert("RGBA"),
    "CMYK.jpg": lambda: eight().convert("RGB").convert("CMYK"),
    "CMYK.tif": lambda: eight().convert("RGB").convert("CMYK"),
    "YCbCr.jpg": lambda: eight().convert("RGB").convert("YCbCr"),
    "sixteen bits.png": sixteen,
    "sixteen bits.tif": sixteen,
    "big-endian sixteen bits.tif": lambda: Image.frombytes(
        "I;16B", (SIZE, SIZE), (GREY * 65535).round().astype(">u2").tobytes()
    ),
    "thirty-two bits up to 255.tif": lambda: Image.fromarray(
        (GREY * 255).round().astype(numpy.int32)
    ),
    "thirty-two bits up to 65535.tif": lambda: Image.fromarray(
        (GREY * 65535).astype(numpy.int32)
    ),
    "floats up to 1.tif": floats,
    "floats up to 255.tif": lambda: floats(255),
    "floats up to 65535.tif": lambda: floats(65535),
    "UPPER CASE.PNG": eight,
}


@pytest.mark.parametrize("name", GREYS)
def test_every_mode_has_the_same_brightness(tmp_path, name):
    suffix = name.rpartition(".")[2].lower()
    more = {"quality": 100} if suffix in ("jpg", "webp") else {}
    GREYS[name]().save(tmp_path / name, **more)
    image = read_image(tmp_path / name, size=SIZE)
    assert image.shape == (3, SIZE, SIZE)
    assert image.dtype == torch.float32
    tolerance = 0.03 if suffix in ("jpg", "webp") else 1 / 255
    torch.testing.assert_close(
        image, torch.from_numpy(GREY.copy()).expand(3, -1, -1), atol=tolerance, rtol=0
    )


def test_sixteen_bits_keep_more_steps_than_eight(tmp_path):
    fine = (32768 + numpy.arange(SIZE)).astype(numpy.uint16)
    values = (
        (numpy.broadcast_to(fine, (SIZE, SIZE)) * 65535).round().astype(numpy.uint16)
    )
    Image.fromarray(values).save(tmp_path / "fine.png")
    assert len(read_image(tmp_path / "fine.png", size=SIZE)[0, 0].unique()) == SIZE


def test_one_bit_is_black_and_white(tmp_path):
    Image.fromarray(GREY > 0.5).save(tmp_path / "bits.png")
    assert read_image(tmp_path / "bits.png", size=SIZE).unique().tolist() == [0, 1]


ORIENTED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What a camera did to the picture, per EXIF orientation, which readers must undo."""


@pytest.mark.parametrize("orientation", ORIENTED)
def test_pictures_stand_as_their_exif_says(tmp_path, orientation):
    turned = Image.fromarray(RED_TOP)
    if ORIENTED[orientation] is not None:
        turned = turned.transpose(ORIENTED[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned.save(tmp_path / "camera.png", exif=exif)
    image = read_image(tmp_path / "camera.png", size=SIZE)
    expected = torch.from_numpy(RED_TOP.copy()).permute(2, 0, 1) / 255
    torch.testing.assert_close(image, expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(tmp_path, mode):
    """Otherwise the colour hidden below comes to light."""
    picture = Image.new("RGBA", (SIZE, SIZE), (255, 0, 0, 0)).convert(mode)
    more = {"transparency": picture.getpixel((0, 0))} if mode == "P" else {}
    picture.save(tmp_path / "clear.png", **more)
    assert (read_image(tmp_path / "clear.png", size=SIZE) == 1).all()


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_several_frames_the_first_is_taken(tmp_path, suffix):
    frames = [Image.new("RGB", (SIZE, SIZE), colour) for colour in ("white", "black")]
    more = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(
        tmp_path / f"film.{suffix}", save_all=True, append_images=frames[1:], **more
    )
    assert read_image(tmp_path / f"film.{suffix}", size=SIZE).mean() > 0.95


def test_the_middle_square_is_taken(tmp_path):
    wide = numpy.zeros((SIZE, 3 * SIZE, 3), numpy.uint8)
    wide[:, SIZE : 2 * SIZE] = 255
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert (read_image(tmp_path / "wide.png", size=SIZE) == 1).all()


# -- Files that are none ---------------------------------------------------------------


def encoded(kind):
    buffer = io.BytesIO()
    noise = numpy.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=numpy.uint8)
    Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()


def chunk(name, data):
    whole = name + data
    return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))


def bomb(edge):
    """A small file that says it is an enormous picture."""
    header = struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)
    data = (
        chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 999))
        + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + data


BROKEN = {
    "nothing.png": b"",
    "nothing.jpg": b"",
    "cut.jpg": encoded("JPEG")[:1500],
    "cut.png": encoded("PNG")[:5000],
    "text.png": b"this is no picture",
    "page.jpg": b"<!doctype html><title>404</title>",
    "cut.webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "cut.gif": b"GIF89a\x10\0\x10\0",
    "cut.tif": b"II*\0\xff\xff\xff\xff",
    "checksum.png": encoded("PNG")[:-500] + b"\0" * 500,
    "bomb.png": bomb(9_000),
    "larger bomb.png": bomb(60_000),
    "program.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_picture_is_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(BROKEN[name])
    with pytest.raises(DatasetError) as caught:
        read_image(tmp_path / name, size=SIZE)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_enormous_pictures_are_refused_by_their_size(tmp_path):
    (tmp_path / "bomb.png").write_bytes(bomb(9_000))
    with pytest.raises(DatasetError, match="9000x9000 pixels are too many"):
        read_image(tmp_path / "bomb.png", size=SIZE)


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf, -0.5, 1e6])
def test_floats_that_are_no_brightness_are_refused(tmp_path, value):
    values = GREY.copy()
    values[0, 0] = value
    Image.fromarray(values).save(tmp_path / "odd.tif")
    with pytest.raises(DatasetError, match=r"no brightness|brighter than 65535"):
        read_image(tmp_path / "odd.tif", size=SIZE)


def test_no_reader_that_starts_programs_is_asked(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        pictures.Image, "open", lambda *_, formats: asked.append(formats)
    )
    with pytest.raises(DatasetError):
        read_image(tmp_path / "any.png", size=SIZE)
    assert "EPS" not in asked[0]


# -- Folders -------------------------------------------------------------------------


def fill(folder, counts):
    """Per class so many pictures of its own grey."""
    for number, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            grey = 10 + 40 * number + i
            Image.new("L", (SIZE, SIZE), grey).save(folder / name / f"{i:03}.png")
    return folder


def test_hidden_files_are_left_alone(tmp_path):
    fill(tmp_path, {"cats": 2})
    real = (tmp_path / "cats" / "000.png").read_bytes()
    for name in (".DS_Store", "._000.png", ".hidden.png", "Thumbs.db", "notes.txt"):
        (tmp_path / "cats" / name).write_bytes(real)
    for name in (".thumbnails", "__MACOSX"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "000.png").write_bytes(real)
    (tmp_path / "folder.png").mkdir()
    assert [file.name for file in picture_files(tmp_path)] == ["000.png", "001.png"]


def test_broken_files_are_left_out_and_said(tmp_path):
    fill(tmp_path, {"": 4})
    (tmp_path / "cut.jpg").write_bytes(b"")
    found = folder(tmp_path, size=SIZE)
    assert len(found) == 4
    (note,) = found.notes
    assert note.startswith("1 files were left out: ")
    assert "cut.jpg" in note


def test_a_folder_of_broken_files_is_refused(tmp_path):
    fill(tmp_path, {"": 1})
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DatasetError, match=r"no image that can be read.*, and 1 more"):
        folder(tmp_path, size=SIZE)


@pytest.mark.parametrize("count", [4, 8, 10])
def test_every_class_takes_part_however_few_are_asked_for(tmp_path, count):
    fill(tmp_path, {"a": 30, "b": 4, "c": 9, "d": 3})
    found = folder(tmp_path, size=SIZE, count=count)
    assert found.classes["class"] == ("a", "b", "c", "d")
    per_class = found.labels["class"].bincount()
    assert per_class.min() >= count // 4
    assert found.labels["class"][:4].unique().numel() == 4


def test_labels_are_those_of_the_pictures(tmp_path):
    fill(tmp_path, {"a": 5, "b": 5, "c": 5})
    found = folder(tmp_path, size=SIZE)
    greys = (found.images_N3HW[:, 0, 0, 0] * 255).round().long()
    assert torch.equal((greys - 10) // 40, found.labels["class"])


def test_the_order_follows_the_seed(tmp_path):
    fill(tmp_path, {"a": 9, "b": 9})
    one, same, other = (
        folder(tmp_path, size=SIZE, seed=seed).images_N3HW for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_taking_turns_leaves_nothing_out():
    classes = ["a"] * 5 + ["b"] * 2
    order = in_turn(classes, seed=0)
    assert sorted(order) == list(range(7))
    assert {classes[i] for i in order[:2]} == {"a", "b"}


@pytest.mark.parametrize(
    ("layout", "names"),
    [
        ({"": 3}, ()),
        ({"only": 3}, ()),
        ({"": 2, "some": 2}, ()),
        ({"photos/cats": 2, "photos/dogs": 2}, ("cats", "dogs")),
        ({"cats/day": 2, "cats/night": 2, "dogs/day": 2}, ("cats", "dogs")),
    ],
)
def test_classes_are_the_first_subfolders_that_differ(tmp_path, layout, names):
    assert folder(fill(tmp_path, layout), size=SIZE).classes.get("class", ()) == names


def test_training_and_test_share_no_picture(tmp_path):
    fill(tmp_path, {"a": 7, "b": 6})
    parts = [
        open_dataset(
            f"folder:{tmp_path}", DatasetSpec(size=SIZE, split=split, seed=seed)
        )
        for split, seed in (("train", 1), ("test", 2))
    ]
    assert [len(part) for part in parts] == [7, 6]
    train, test = (
        {tuple(one.flatten()[:1].tolist()) for one in part.images_N3HW}
        for part in parts
    )
    assert not train & test


def test_subfolders_named_train_and_test_are_the_parts(tmp_path):
    fill(tmp_path / "train", {"a": 3, "b": 3})
    fill(tmp_path / "test", {"a": 1, "b": 2})
    for split, count in (("train", 6), ("test", 3)):
        found = open_dataset(f"folder:{tmp_path}", DatasetSpec(size=SIZE, split=split))
        assert (len(found), found.classes["class"]) == (count, ("a", "b"))
        assert found.name == f"folder:{tmp_path.name}"


def test_parts_with_other_classes_are_refused(tmp_path):
    fill(tmp_path / "train", {"a": 1, "b": 1, "c": 1})
    fill(tmp_path / "test", {"a": 1, "c": 1})
    with pytest.raises(DatasetError, match="differ in their classes: b"):
        open_dataset(f"folder:{tmp_path}", DatasetSpec(size=SIZE))


def test_without_classes_all_pictures_are_there(tmp_path):
    fill(tmp_path, {"": 5})
    assert len(open_dataset(f"folder:{tmp_path}", DatasetSpec(size=SIZE))) == 5


# -- Packages of Debian --------------------------------------------------------------


def deb(path, files):
    """A package of these files, as Debian builds them."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:xz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    members = {
        b"debian-binary": b"2.0\n",
        b"control.tar.xz": b"odd",
        b"data.tar.xz": tar.getvalue(),
    }
    raw = b"!<arch>\n"
    for name, content in members.items():
        raw += (
            name.ljust(16)
            + b"0".ljust(32)
            + str(len(content)).encode().ljust(10)
            + b"`\n"
        )
        raw += content + b"\n" * (len(content) % 2)
    path.write_bytes(raw)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    picture = encoded("PNG")
    top = "./usr/share/stamps"
    names = ["birds/a.png", "birds/b.png", "fruit/c.png", "fruit/d.png"]
    others = [
        "birds/cartoon/e.png",
        "signs/f.png",
        "birds/g.ogg",
        "birds/../../../h.png",
    ]
    path = tmp_path / "stamps.deb"
    deb(
        path,
        {f"{top}/{name}": picture for name in [*names, *others]}
        | {"etc/i.png": picture},
    )
    one = debian.Pictures(
        url=path.as_uri(),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        folder="usr/share/stamps",
        classes=("birds", "fruit"),
        without="cartoon",
        license="CC0-1.0",
    )
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(debian, "registered", lambda: {"stamps": one})
    return path


def test_photographs_are_fetched_once_and_have_their_folders_as_classes(
    shelf, tmp_path
):
    spec = DatasetSpec(size=SIZE, split="train", download=True)
    found = open_dataset("debian:stamps", spec)
    assert found.classes["class"] == ("birds", "fruit")
    assert len(found) == 2
    assert len(picture_files(tmp_path / "cache")) == 4
    shelf.unlink()
    assert len(open_dataset("debian:stamps", DatasetSpec(size=SIZE))) == 2


def test_photographs_are_not_fetched_unasked(shelf):
    with pytest.raises(DatasetError, match=r"CC0-1\.0.*add --download"):
        open_dataset("debian:stamps")


def test_another_package_is_refused(shelf, tmp_path):
    shelf.write_bytes(shelf.read_bytes() + b"\n")
    with pytest.raises(DatasetError, match="another file than the registered one"):
        open_dataset("debian:stamps", DatasetSpec(download=True))
    assert not (tmp_path / "cache").exists()


def test_a_package_that_is_not_there_is_one_line(shelf):
    shelf.unlink()
    with pytest.raises(DeviceError, match="could not be fetched"):
        open_dataset("debian:stamps", DatasetSpec(download=True))


def test_unknown_photographs_are_answered_with_the_known_ones():
    with pytest.raises(DatasetError, match="registered are tuxpaint-stamps"):
        open_dataset("debian:cats")
