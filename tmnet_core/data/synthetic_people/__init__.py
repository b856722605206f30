"""Labelled action clips of people that the project renders itself."""

from tmnet_core.data.synthetic_people.actions import CLASSES
from tmnet_core.data.synthetic_people.contact_sheet import contact_sheet, write_contact_sheet
from tmnet_core.data.synthetic_people.dataset import SyntheticPeople, write_dataset
from tmnet_core.data.synthetic_people.film import Segment, write_film
from tmnet_core.data.synthetic_people.renderer import RenderedClip, render_clip

__all__ = [
    "CLASSES", "RenderedClip", "Segment", "SyntheticPeople", "contact_sheet", "render_clip", "write_contact_sheet",
    "write_dataset", "write_film",
]  # fmt: skip
