"""Draw 100 digits unlike MNIST's: `python -m tests.core.data.draw_foreign_digits` writes foreign_digits.zip beside it.

Ten of each digit in fourteen typefaces, with many pen widths, sizes, places, slants and colours, dark on light and
light on dark, as PNG and JPEG. The typefaces are Debian's (see PACKAGES). The pictures were drawn once, and are kept to
test the treatment of images with. That it once read only 84 of them is why the treatment looks at pens at all; the
numbers for pens come from MNIST, and were tried on other typefaces drawn in the same way, not on these pictures.
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PACKAGES = ("breip", "cabin", "cantarell", "comic-neue", "dancingscript", "dkg-handwriting", "ebgaramond",
            "femkeklaver", "hack", "humor-sans", "junction", "lato", "liberation", "quicksand")  # fmt: skip
"""`apt-get install fonts-NAME` for each."""
FONTS = ("breip*", "Cabin-Regular*", "Cantarell-Regular*", "ComicNeue-Regular*", "Dancing*", "dkg*",
         "EBGaramond*Regular*", "femkeklaver*", "Hack-Regular*", "Humor-Sans*", "Junction*", "Lato-Regular*",
         "LiberationSans-Regular*", "Quicksand-Regular*")  # fmt: skip
FOLDER = Path("/usr/share/fonts")
TARGET = Path(__file__).with_name("foreign_digits.zip")
COUNT = 100


def main() -> None:
    """Write the set; one class folder for each digit."""
    generator, fonts = np.random.default_rng(2026), [_find(pattern) for pattern in FONTS]
    with zipfile.ZipFile(TARGET, "w") as archive:
        for index in range(COUNT):
            digit, font = index % 10, fonts[(index // 10 + index * 3) % len(fonts)]
            picture = draw(str(digit), font, generator)
            form = ("PNG", "JPEG")[index // 10 % 2]
            name = f"{digit}/{index // 10}-{font.stem}.{form.lower()}"
            archive.writestr(zipfile.ZipInfo(name), _encoded(picture, form, int(generator.integers(50, 95))))
    sys.stdout.write(f"{TARGET}: {COUNT} pictures, {TARGET.stat().st_size:,} bytes\n")


def draw(digit: str, font: Path, generator: np.random.Generator) -> Image.Image:
    """Return one digit, somewhere on a canvas of 64 to 400 pixels a side."""
    width, height = (int(side) for side in generator.integers(64, 400, 2))
    size = int(min(width, height) * generator.uniform(0.45, 0.85))
    pen = int(round(size * generator.choice([0, 0.01, 0.03, 0.06])))
    face, slant = ImageFont.truetype(str(font), size), generator.uniform(-0.3, 0.3)
    mask = Image.new("L", (3 * size, 3 * size))
    ImageDraw.Draw(mask).text((1.5 * size, 1.5 * size), digit, 255, face, "mm", stroke_width=pen)
    mask = mask.transform(mask.size, Image.Transform.AFFINE, (1, slant, -1.5 * size * slant, 0, 1, 0),
                          Image.Resampling.BICUBIC)  # fmt: skip
    mask = mask.crop(mask.getbbox())
    mask.thumbnail((width - 4, height - 4))
    light, dark = (generator.integers(low, high, 3) for low, high in ((190, 256), (0, 70)))
    ground, ink = (light, dark) if generator.random() < 0.5 else (dark, light)
    canvas = Image.new("RGB", (width, height), tuple(int(part) for part in ground))
    place = [int(generator.integers(2, room - side - 1)) for room, side in zip(canvas.size, mask.size, strict=True)]
    canvas.paste(tuple(int(part) for part in ink), (place[0], place[1]), mask)
    return canvas


def _find(pattern: str) -> Path:
    found = sorted(path for path in FOLDER.rglob(pattern) if path.suffix in (".ttf", ".otf"))
    if not found:
        raise FileNotFoundError(f"no font {pattern} under {FOLDER}; apt-get install fonts-{{{','.join(PACKAGES)}}}")
    return found[0]


def _encoded(picture: Image.Image, form: str, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **({"quality": quality} if form == "JPEG" else {}))
    return file.getvalue()


if __name__ == "__main__":
    main()
