"""What a person looks like: body, skin, hair and clothes."""

import colorsys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tmnet_core.data.synthetic_people.skeleton import Body, sample_body

Colour = tuple[float, float, float]  # RGB, 0 to 255
_SKINS: tuple[Colour, ...] = (
    (243, 208, 180), (232, 190, 160), (219, 172, 136), (198, 146, 108), (168, 116, 82), (128, 86, 60),
    (104, 70, 52),
)  # fmt: skip
_HAIRS: tuple[Colour, ...] = (
    (42, 34, 32), (66, 46, 36), (96, 64, 42), (136, 92, 54), (190, 148, 86), (222, 190, 128), (150, 62, 36),
    (150, 148, 146),
)  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """One person."""

    body: Body
    skin: Colour
    hair: Colour
    hair_style: Literal["short", "long", "bun"]
    sleeves: Literal["short", "long", "none"]
    legwear: Literal["trousers", "shorts", "skirt"]
    top: Colour
    bottom: Colour
    shoes: Colour
    stripe: Colour | None  # a band around the chest


def random_colour(rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    """A colour of any hue."""
    r, g, b = colorsys.hsv_to_rgb(float(rng.random()), float(rng.uniform(*saturation)), float(rng.uniform(*value)))
    return 255 * r, 255 * g, 255 * b


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of b in a."""
    r, g, b_ = ((1 - share) * p + share * q for p, q in zip(a, b, strict=True))
    return r, g, b_


def _vary(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    base = np.array(colours[int(rng.integers(len(colours)))]) * rng.uniform(0.94, 1.06)
    r, g, b = np.clip(base + rng.uniform(-6, 6, 3), 0, 255)
    return float(r), float(g), float(b)


def sample_subject(rng: np.random.Generator) -> Subject:
    """A random person."""
    body = sample_body(rng)
    top = random_colour(rng, (0.15, 0.85), (0.45, 0.98))
    bottom = random_colour(rng, (0.1, 0.6), (0.28, 0.85))
    while np.abs(np.subtract(top, bottom)).sum() < 110:  # shirt and trousers are told apart
        bottom = random_colour(rng, (0.1, 0.6), (0.28, 0.85))
    female = body.female
    legwear: tuple[Literal["trousers", "shorts", "skirt"], ...] = ("trousers", "trousers", "shorts", "skirt")
    hair: tuple[Literal["short", "long", "bun"], ...] = ("long", "bun", "short")
    sleeves: tuple[Literal["short", "long", "none"], ...] = ("short", "long", "none")
    return Subject(
        body=body,
        skin=_vary(rng, _SKINS),
        hair=_vary(rng, _HAIRS),
        hair_style=hair[int(rng.integers(3))] if female else "short",
        sleeves=sleeves[int(rng.integers(3 if female else 2))],
        legwear=legwear[int(rng.integers(4 if female else 3))],
        top=top,
        bottom=bottom,
        shoes=random_colour(rng, (0.0, 0.7), (0.2, 0.95)),
        stripe=random_colour(rng, (0.1, 0.8), (0.5, 1.0)) if rng.random() < 0.3 else None,
    )
