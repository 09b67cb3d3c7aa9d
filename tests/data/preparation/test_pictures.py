from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kpipe.data.preparation.pictures import Unreadable, decode, decode_all, files_in
from kpipe.data.preparation.prepared import room
from kpipe.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def test_png_is_read_as_written(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(PIXELS))
    np.testing.assert_array_equal(decode(path, None, 3), PIXELS)


def test_a_jpeg_is_read_whatever_its_suffix(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (5, 6), (200, 100, 50)), format="JPEG", quality=95)
    assert np.abs(decode(path, None, 3).astype(int) - (200, 100, 50)).max() <= 3


def test_colour_becomes_grey_and_grey_becomes_colour(tmp_path: Path) -> None:
    colour = saved(tmp_path / "colour.png", Image.new("RGB", (4, 4), (255, 0, 0)))
    assert decode(colour, None, 1).shape == (4, 4, 1)
    assert set(decode(colour, None, 1).ravel()) == {76}  # 0.299 * 255
    grey = saved(tmp_path / "grey.png", Image.new("L", (4, 4), 90))
    assert set(decode(grey, None, 3).ravel()) == {90}


def test_a_palette_becomes_its_colours(tmp_path: Path) -> None:
    image = Image.new("RGB", (4, 4), (10, 200, 30)).quantize(4)
    np.testing.assert_array_equal(decode(saved(tmp_path / "a.png", image), None, 3)[0, 0], (10, 200, 30))


def test_black_and_white_is_0_and_255(tmp_path: Path) -> None:
    image = Image.fromarray(PIXELS[..., 0] > 127)
    np.testing.assert_array_equal(
        decode(saved(tmp_path / "a.png", image), None, 1)[..., 0], (PIXELS[..., 0] > 127) * 255
    )


def test_16_bit_grey_keeps_its_high_byte(tmp_path: Path) -> None:
    deep = PIXELS[..., 0].astype(np.uint16) * 256 + 255
    path = saved(tmp_path / "a.png", Image.fromarray(deep))
    np.testing.assert_array_equal(decode(path, None, 1)[..., 0], PIXELS[..., 0])
    np.testing.assert_array_equal(decode(path, None, 3)[..., 2], PIXELS[..., 0])


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image.putpixel((0, 0), (10, 20, 30, 255))
    image.putpixel((1, 0), (0, 0, 0, 128))
    found = decode(saved(tmp_path / "a.png", image), None, 3)
    np.testing.assert_array_equal(found[0, 0], (10, 20, 30))
    np.testing.assert_array_equal(found[3, 3], (255, 255, 255))
    np.testing.assert_allclose(found[0, 1], 127, atol=1)


def test_a_transparent_palette_colour_lies_on_white(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 9, 9, 9])
    path = saved(tmp_path / "a.png", image, transparency=0)
    assert set(decode(path, None, 1).ravel()) == {255}


def test_exif_turns_the_image_upright(tmp_path: Path) -> None:
    image = Image.new("L", (20, 10), 0)
    image.paste(255, (0, 0, 10, 10))  # the left half is light
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise: the left half becomes the upper one
    found = decode(saved(tmp_path / "a.jpg", image, exif=exif, quality=95), None, 1)
    assert found.shape == (20, 10, 1)
    assert found[:8].min() > 200
    assert found[12:].max() < 50


def test_cmyk_jpeg_becomes_colour(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (0, 0, 0, 0)))
    assert decode(path, None, 3).min() > 250


def test_resizing_averages(tmp_path: Path) -> None:
    checks = (np.indices((16, 16)).sum(axis=0) % 2 * 255).astype(np.uint8)
    found = decode(saved(tmp_path / "a.png", Image.fromarray(checks)), (4, 2), 1)
    assert found.shape == (4, 2, 1)
    np.testing.assert_allclose(found, 127, atol=10)


def test_many_files_keep_their_order(tmp_path: Path) -> None:
    files = [saved(tmp_path / f"{index:03}.png", Image.new("L", (3, 3), index)) for index in range(200)]
    images, unreadable = decode_all(files, None, 1)
    np.testing.assert_array_equal(images[:, 0, 0, 0], np.arange(200))
    assert unreadable == []


@pytest.mark.parametrize("keep", [0, 1, 8, 20, 45, 60, 90, 120])
def test_files_cut_short_are_unreadable_not_a_crash(tmp_path: Path, keep: int) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    good = saved(tmp_path / "good.png", noise)
    for suffix, options in ((".png", {}), (".jpg", {"quality": 95})):
        bad = saved(tmp_path / f"bad{suffix}", noise, **options)
        bad.write_bytes(bad.read_bytes()[:keep])
        images, unreadable = decode_all([good, bad, good], None, 3)
        assert len(images) == 2
        np.testing.assert_array_equal(images[0], images[1])
        assert [problem.file for problem in unreadable] == [bad]


@pytest.mark.parametrize("place", [20, 40, 60, 100, 1000, 2000])
def test_files_with_a_flipped_byte_never_crash(tmp_path: Path, place: int) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    good = saved(tmp_path / "good.png", noise)
    content = bytearray(good.read_bytes())
    content[place] ^= 0xFF
    bad = tmp_path / "bad.png"
    bad.write_bytes(content)
    images, unreadable = decode_all([good, bad], (32, 32), 3)
    assert len(images) + len(unreadable) == 2


def test_other_formats_are_named_as_such(tmp_path: Path) -> None:
    good = saved(tmp_path / "a.png", Image.fromarray(PIXELS))
    other = saved(tmp_path / "b.gif", Image.fromarray(PIXELS))
    assert decode_all([good, other], None, 3)[1] == [Unreadable(other, "is no PNG or JPEG image")]


def test_more_images_than_memory_are_refused() -> None:
    with pytest.raises(DataError, match=r"90,000,000 examples of 8192 x 8192 x 3 need 18,119,393\.3 GB of memory"):
        room((90_000_000, 8192, 8192, 3), "uint8")


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", ".hidden.png", "Thumbs.db", ".git/x.png", "deep/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(file.relative_to(tmp_path)) for file in files_in(tmp_path)] == ["a.png", "b.png", "deep/c.png"]
