"""The model's configuration and the recipe of a run: one definition for command line, TOML file and form."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomlkit
import tomlkit.exceptions
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from tmnet_core.data.preprocessing import Crop
from tmnet_core.errors import RecipeError
from tmnet_core.files import is_larger
from tmnet_core.models.catalogue import (
    C3D_FRAMES,
    C3D_SIZE,
    VARIANTS,
    BackboneName,
    Network3dName,
    Split,
    VariantName,
    shortest_clip,
    why_unfit,
)

_MOST_RECIPE_BYTES = 2**18

KeyFrameSegment = Literal["beginning", "middle", "ending"]


class Section(BaseModel):
    """A part of the configuration; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ModelConfig(Section):
    """All that is needed, with the number of classes, to build the network (paper III-B, Table 2)."""

    variant: VariantName = Field(
        "tmnet-2d", description="The network: TMNet-2D, -3D-A, -3D-B, or a baseline without a regression branch."
    )
    backbone: BackboneName = Field(
        "resnet18", description="The 2D network whose stem and four stages are cut in two; for the 2D parts."
    )
    network3d: Network3dName = Field(
        "slowonly_r50", description="The 3D network for the 3D parts of tmnet-3d-a and tmnet-3d-b."
    )
    temporal_borders: Literal["zeros", "replicate"] = Field(
        "zeros", description="What 3D convolutions see beyond a clip's ends: zeros, as published, or its end frames."
    )
    width: float = Field(
        1.0, ge=0.25, le=2.0, description="Width multiplier; only mobilenet_v2 has published other widths."
    )
    split: Split = Field("2/2", description="Stages in the base backbone / stages in each branch (Table 2).")
    fusion: Literal["features", "probabilities"] = Field(
        "features", description="What RB+CB averages: the two features, or the two branches' probabilities."
    )
    dropout: float = Field(0.5, ge=0.0, lt=1.0, description="Dropout before the classifier while training.")

    @property
    def title(self) -> str:
        """What a person calls the network, such as `TMNet-3D-A resnet50 + i3d_r50 2/2`."""
        row = VARIANTS[self.variant]
        parts = [row.title]
        if row.uses_2d:
            parts.append(self.backbone)
        if row.uses_2d and row.uses_3d:
            parts.append(f"+ {self.network3d}")
        # Only what is cut has a split; a 3D baseline is whole wherever it is cut.
        return " ".join([*parts, self.split] if row.uses_2d else parts)

    @model_validator(mode="after")
    def _width_is_published(self) -> Self:
        if self.width != 1.0 and self.backbone != "mobilenet_v2":
            raise ValueError(f"width {self.width} needs backbone mobilenet_v2, not {self.backbone}")
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        problem = why_unfit(self.variant, self.backbone, self.network3d, self.split)
        if problem:
            raise ValueError(problem)
        return self


class DataSection(Section):
    """Which clips are learned from, and which are kept for validation."""

    root: str = Field("", description="A folder of videos, by default one folder a class, or 'synthetic-people'.")
    format: Literal["auto", "folders", "csv", "ucf101", "hmdb51"] = Field(
        "auto",
        description="What says which video shows what: folders of classes, a CSV of path,label[,start,end] (seconds), "
        "UCF101's lists, or those of HMDB51 and JHMDB; auto: what is found in root, or beside it of its very classes.",
    )
    annotations: str = Field(
        "", description="The CSV file or the folder of lists, absolute or relative to root; empty: what is found there."
    )
    split: int = Field(1, ge=1, le=3, description="Which of the three official splits, for UCF101, HMDB51, JHMDB.")
    missing: Literal["refuse", "skip"] = Field(
        "refuse", description="What becomes of videos that lists name but that are not there; skip: reported, left out."
    )
    validation_root: str = Field("", description="A second such folder to validate on; empty: a part of root is kept.")
    validation_fraction: float = Field(
        0.3,
        gt=0.0,
        lt=1.0,
        description="Share of source videos kept for validation; clips of one source stay together.",
    )
    split_seed: int = Field(0, ge=0, description="Which sources are kept for validation.")
    synthetic_clips: int = Field(4000, ge=12, description="Training clips, where root is 'synthetic-people'.")
    cache: Literal["auto", "none", "memory", "packed"] = Field(
        "auto",
        description="Where decoded frames come from: what tmnet data pack wrote, where it is there and of these files "
        "(auto), from nowhere else (packed), the videos each time (none), or memory after the first time.",
    )
    packed: str = Field(
        "", description="The folder of packed frames, absolute or relative to root; empty: beside root."
    )
    cache_gib: float = Field(4.0, gt=0.0, description="Largest memory for cached frames, in GiB.")
    cache_short_side: int = Field(
        144, ge=32, le=1080, description="Short side of the frames kept in memory, in pixels."
    )


class StartSection(Section):
    """The weights that training starts from. RB starts from the same ones as CB."""

    weights: str = Field(
        "imagenet",
        description="'imagenet' (torchvision's, downloaded), 'none', a state dict, or a checkpoint; of another "
        "network's checkpoint the 2D stages.",
    )
    mean: tuple[float, float, float] = Field(
        (0.485, 0.456, 0.406), description="What these weights expect of the input."
    )
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = Field(
        (0.229, 0.224, 0.225), description="What these weights expect of the input."
    )
    partial: bool = Field(False, description="Accept a state dict that lacks some layers; those start at random.")
    weights3d: str = Field(
        "inflate",
        description="Of the 3D network: 'inflate' the 2D weights, 'kinetics' (torchvision's r3d_18), or a file.",
    )
    inflation: Literal["mean", "centre"] = Field(
        "mean", description="Inflated kernels: spread evenly over time, or on the middle frame alone."
    )


class ClipSection(Section):
    """The clip that training sees, and the key frame in it (paper IV-B.1, IV-B.4, IV-E)."""

    frames: int = Field(16, ge=1, le=128, description="T, the frames of a clip.")
    interval: int = Field(2, ge=1, le=64, description="Distance between two frames of a clip.")
    sampling: Literal["interval", "even", "segments"] = Field(
        "interval",
        description="Frames at the interval, evenly over the video, or one from each of T segments (TSN).",
    )
    key_frame: KeyFrameSegment = Field("middle", description="The third of the clip that RB's frame is taken from.")
    key_frame_position: Literal["random", "centre"] = Field("centre", description="Where in that third.")
    size: int = Field(224, ge=32, le=1024, description="Side of the network's input, in pixels.")
    glance_size: int = Field(
        0,
        ge=0,
        le=1024,
        description="Side of a glance's input, in pixels; 0: as in training. A little larger makes up for the "
        "enlarging crops of training (Touvron et al., NeurIPS 2019).",
    )
    crop: Crop = Field("centre", description="What a glance sees: the centred square, or the whole frame squashed.")
    crop_fraction: float = Field(0.875, gt=0.0, le=1.0, description="Side of the centred square over the short side.")


class AugmentationSection(Section):
    """Multi-scale crop and flip (paper IV-E)."""

    scales: tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...] = Field(
        (1.0, 0.875, 0.75, 0.66, 0.5), min_length=1, description="Crop sides over the short side."
    )
    places: Literal[5, 13] = Field(5, description="Crop places: corners and centre, or TSN's thirteen.")
    flip: float = Field(0.5, ge=0.0, le=1.0, description="Probability of a left-right flip.")


class ObjectiveSection(Section):
    """Cross-entropy + alpha × regression loss (paper III-B.1, Eq. 1). What the paper leaves open is a switch here."""

    alpha: float = Field(0.8, ge=0.0, description="Weight of the regression loss (Fig. 5).")
    regression_loss: Literal["smooth_l1", "mse", "cross_entropy"] = Field(
        "smooth_l1",
        description="The distance of F_reg and F_cls; cross_entropy compares the class probabilities made of them.",
    )
    reduction: Literal["mean", "sum"] = Field(
        "mean",
        description="Over the feature's channels. The mean is the paper's plain form; the sum is C times as strong.",
    )
    scale: float = Field(1.0, gt=0.0, description="A further factor of the regression loss, beside alpha.")
    reaches_base: bool = Field(
        True, description="Whether the regression loss trains the base backbone too, or RB alone."
    )
    detach_target: bool = Field(True, description="Whether F_cls is a fixed target, as a pseudo supervised signal is.")


class OptimizerSection(Section):
    """How the weights are moved."""

    name: Literal["sgd", "adamw"] = Field("sgd", description="SGD with momentum, or AdamW.")
    learning_rate: float = Field(0.01, gt=0.0, description="The initial learning rate (paper IV-E: 0.01).")
    momentum: float = Field(0.9, ge=0.0, lt=1.0, description="Momentum of SGD; ours, after TSN's recipe.")
    weight_decay: float = Field(5e-4, ge=0.0, description="Ours, after TSN's recipe.")
    clip_gradient: float = Field(
        0.0, ge=0.0, description="Largest gradient norm, of RB and of all else apart; 0: no limit."
    )
    classifier_factor: float = Field(
        1.0, gt=0.0, description="Learning rate of the new classifier over that of the rest."
    )


class ScheduleSection(Section):
    """How long, and how the learning rate falls."""

    iterations: int = Field(24_000, ge=1, description="Optimiser steps in all (paper IV-E: 24k).")
    kind: Literal["step", "cosine"] = Field("step", description="Divide by ten at each milestone, or a half cosine.")
    milestones: tuple[PositiveInt, ...] = Field(
        (10_000, 16_000), description="Iterations at which a step schedule divides by ten."
    )
    warmup: int = Field(0, ge=0, description="Iterations over which the learning rate rises from zero.")

    @model_validator(mode="after")
    def _milestones_rise(self) -> Self:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError(f"milestones {list(self.milestones)} must rise")
        return self


class TrainingSection(Section):
    """The machine's side of a run."""

    batch_size: int = Field(
        32, ge=1, description="Clips in a step, over all processes and parts; ours, the paper does not say."
    )
    accumulate: int = Field(
        1, ge=1, le=256, description="Parts in which a process takes its clips of a step, for want of memory."
    )
    batch_norm: Literal["train", "frozen", "partial"] = Field(
        "train", description="Whether BatchNorm uses and learns batch statistics; partial: the first one alone (TSN)."
    )
    sync_batch_norm: bool = Field(False, description="Batch statistics over all GPUs; needs several CUDA processes.")
    frozen_stages: int = Field(
        0, ge=0, le=5, description="How many of stem and four stages, from the input on, stay as they start."
    )
    precision: Literal["fp32", "fp16", "bf16"] = Field("fp32", description="Mixed precision; fp16 and bf16 need CUDA.")
    channels_last: bool = Field(True, description="Memory order of 2D convolutions, mostly the faster one.")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps.")
    workers: int = Field(2, ge=0, le=64, description="Processes that read clips; 0 reads in the training process.")
    seed: int = Field(0, ge=0, description="Of weights, sampling, augmentation.")
    validate_every: int = Field(
        500, ge=1, description="Iterations between two validations; the last one always validates."
    )
    save_every: int = Field(
        200,
        ge=1,
        description="Iterations between two saves of all that resuming needs; validating saves too.",
    )
    key_frames: int = Field(
        3,
        ge=1,
        le=32,
        description="Key frames per validation clip, spread over it; figures are means over these glances.",
    )
    validation_batch: int = Field(32, ge=1, description="Clips in a validation batch.")


class Recipe(Section):
    """All that defines a run."""

    # It names a folder: neither a path, nor a drive of Windows, nor one that leads upwards.
    name: str = Field(
        "run",
        min_length=1,
        max_length=80,
        pattern=r"^[^/\\:\x00-\x1f.][^/\\:\x00-\x1f]*$",
        description="The run's name.",
    )
    model: ModelConfig = ModelConfig()
    data: DataSection = DataSection()
    start: StartSection = StartSection()
    clip: ClipSection = ClipSection()
    augmentation: AugmentationSection = AugmentationSection()
    objective: ObjectiveSection = ObjectiveSection()
    optimizer: OptimizerSection = OptimizerSection()
    schedule: ScheduleSection = ScheduleSection()
    training: TrainingSection = TrainingSection()

    @model_validator(mode="after")
    def _memory_is_of_one_process(self) -> Self:
        if self.data.cache == "memory" and self.training.workers:
            raise ValueError(
                "data.cache = 'memory' needs training.workers = 0, each worker would keep its own copy; "
                "packed frames are shared"
            )
        return self

    @model_validator(mode="after")
    def _clip_fits_the_network(self) -> Self:
        model, clip = self.model, self.clip
        if model.variant == "c3d" and (clip.frames, clip.size) != (C3D_FRAMES, C3D_SIZE):
            raise ValueError(
                f"c3d needs clip.frames = {C3D_FRAMES} and clip.size = {C3D_SIZE}, "
                f"for which its fully connected layers are made, not {clip.frames} and {clip.size}"
            )
        shortest = shortest_clip(model.variant, model.network3d)
        if clip.frames < shortest:
            raise ValueError(
                f"clip.frames = {clip.frames} is shorter than the temporal stride of {model.variant}, {shortest} frames"
            )
        return self


def shipped_recipes() -> dict[str, Path]:
    """Return the recipes inside the package, by name."""
    folder = Path(str(resources.files("tmnet_core") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_recipe(source: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe from a TOML file or the name of a shipped one, then apply `section.key=value` overrides.

    Raises:
        RecipeError: naming the file, key and cause; an unknown key comes with the nearest known one.
    """
    path = shipped_recipes().get(str(source), Path(source))
    values = _read_toml(path)
    for override in overrides:
        _apply_override(values, override)
    return validate_recipe(values, str(source))


def load_data_section(root: str, overrides: Sequence[str] = (), **values_before: object) -> DataSection:
    """Return the data section of this root, with `data.key=value` overrides of what it was before; RecipeError."""
    values: dict[str, Any] = {"data": dict(values_before)}
    for override in overrides:
        if not override.strip().startswith("data."):
            raise RecipeError(f"override {override!r}: only keys of the section data can be set here")
        _apply_override(values, override)
    return validate_recipe({"data": {**values["data"], "root": root}}, "of the command line").data


def validate_recipe(values: Mapping[str, Any], source: str) -> Recipe:
    """Turn plain values into a Recipe; `source` names them in the RecipeError's sentence."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(f"recipe {source}: {_first_problem(error)}") from None


def recipe_differences(old: Recipe, new: Recipe) -> list[str]:
    """Return a line such as `clip.frames: 16 -> 8` for each value that differs."""
    before, after = _flat_values(old), _flat_values(new)
    return [f"{key}: {before[key]} -> {after[key]}" for key in before if before[key] != after[key]]


def _flat_values(recipe: Recipe) -> dict[str, Any]:
    """Return the values by `section.key`, as JSON has them."""
    values: dict[str, Any] = {}
    for name, value in recipe.model_dump(mode="json").items():
        values |= {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {name: value}
    return values


def dump_recipe(recipe: Recipe) -> str:
    """Return the recipe as TOML, each key with its explanation as a comment."""
    document = tomlkit.document()
    document.add("name", tomlkit.item(recipe.name))
    for section_name in Recipe.model_fields:
        section = getattr(recipe, section_name)
        if not isinstance(section, Section):
            continue
        table = tomlkit.table()
        for key, field in type(section).model_fields.items():
            value = getattr(section, key)
            item = tomlkit.item(list(value) if isinstance(value, tuple) else value)
            table.add(key, item.comment(field.description or ""))
        document.add(section_name, table)
    return tomlkit.dumps(document)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if is_larger(path, _MOST_RECIPE_BYTES):
            raise RecipeError(f"recipe {path}: too large for one, with more than {_MOST_RECIPE_BYTES // 2**10} KiB")
        return tomlkit.parse(path.read_text(encoding="utf-8")).unwrap()
    except FileNotFoundError:
        known = ", ".join(shipped_recipes())
        raise RecipeError(
            f"recipe {path}: there is no such file, nor a shipped recipe of that name ({known})"
        ) from None
    except UnicodeDecodeError:
        raise RecipeError(f"recipe {path}: it is not a text file in UTF-8") from None
    except OSError as error:
        raise RecipeError(f"recipe {path}: {error.strerror}") from None
    # Beside errors of its own it raises ValueError for numbers that are too long, and runs out of stack.
    except (tomlkit.exceptions.TOMLKitError, ValueError, RecursionError) as error:
        cause = " ".join(str(error).split())
        raise RecipeError(f"recipe {path}: not valid TOML, {cause[:200]}") from None


def _apply_override(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator:
        raise RecipeError(f"override {override!r}: write it as section.key=value")
    *sections, last = key.strip().split(".")
    target = values
    for section in sections:
        target = target.setdefault(section, {})
        if not isinstance(target, dict):
            raise RecipeError(f"override {override!r}: {section!r} is not a section")
    target[last] = _parse_value(text.strip())


def override_text(key: str, value: Any) -> str:
    """Return the `section.key=value` that sets a value; a text stays bare unless it would be read as something else."""
    if isinstance(value, str) and value and _parse_value(value) == value and value == value.strip():
        return f"{key}={value}"
    return f"{key}={tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string()}"


def _parse_value(text: str) -> Any:
    """Read TOML where it is TOML, and take the bare text otherwise, so that paths and words need no quotes."""
    try:
        return tomlkit.parse(f"value = {text}").unwrap()["value"]
    except tomlkit.exceptions.ParseError:
        return text


def _first_problem(error: ValidationError) -> str:
    """Say the first problem of a validation in one clause."""
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {place!r}{_nearest_key(problem['loc'])}"
    if problem["type"] == "model_type":
        return f"{place} is a section of keys, not a single value"
    message = problem["msg"].removeprefix("Value error, ")
    given = problem.get("input")
    if not place:
        return message
    if isinstance(given, str | int | float | bool):
        return f"{place} = {given!r}: {message[0].lower()}{message[1:]}"
    return f"{place}: {message[0].lower()}{message[1:]}"


def _nearest_key(location: tuple[int | str, ...]) -> str:
    """Suggest the known key that is nearest to an unknown one, here or in another section."""
    sections = {name: type(field.default).model_fields for name, field in Recipe.model_fields.items() if name != "name"}
    key = str(location[-1])
    known = [*Recipe.model_fields, *(f"{section}.{name}" for section, names in sections.items() for name in names)]
    elsewhere = [name for name in known if name.rpartition(".")[2] == key]
    if elsewhere:
        return f"; did you mean {elsewhere[0]!r}?"
    section = str(location[0])
    if len(location) > 1 and section in sections:
        nearest = f"{section}.{difflib.get_close_matches(key, sections[section], n=1, cutoff=0.0)[0]}"
    else:
        nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
    return f"; did you mean {nearest!r}?"
