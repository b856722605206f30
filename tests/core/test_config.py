import tomllib
from pathlib import Path

import pytest

from tmnet_core.config import (
    AugmentationSection,
    DataSection,
    ModelConfig,
    Recipe,
    ScheduleSection,
    Section,
    StartSection,
    TrainingSection,
    dump_recipe,
    load_recipe,
    shipped_recipes,
    validate_recipe,
)
from tmnet_core.errors import RecipeError


@pytest.fixture
def recipe_file(tmp_path):
    """Return a function that writes TOML and returns its path."""

    def write(text: str) -> Path:
        path = tmp_path / "recipe.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_defaults_are_the_paper_s():
    recipe = Recipe()
    assert (recipe.clip.frames, recipe.clip.interval, recipe.clip.key_frame) == (16, 2, "middle")
    assert (recipe.objective.alpha, recipe.objective.regression_loss) == (0.8, "smooth_l1")
    assert (recipe.optimizer.learning_rate, recipe.schedule.iterations) == (0.01, 24_000)
    assert recipe.schedule.milestones == (10_000, 16_000)
    assert recipe.model == ModelConfig(backbone="resnet18", split="2/2", fusion="features")


def test_a_dumped_recipe_loads_equal(recipe_file):
    assert load_recipe(recipe_file(dump_recipe(Recipe()))) == Recipe()


def test_a_dumped_changed_recipe_loads_equal(recipe_file):
    recipe = Recipe(
        name='clips "of" März',
        model=ModelConfig(backbone="mobilenet_v2", width=0.5, split="3/1"),
        data=DataSection(root="C:\\videos\\my clips # not a comment"),
        start=StartSection(partial=True, mean=(0.5, 0.5, 0.5)),
        augmentation=AugmentationSection(scales=(1.0, 0.8)),
        schedule=ScheduleSection(iterations=7, milestones=()),
    )
    assert load_recipe(recipe_file(dump_recipe(recipe))) == recipe


def test_a_dumped_recipe_explains_every_key():
    lines = dump_recipe(Recipe()).splitlines()
    for section in Recipe.model_fields.values():
        if isinstance(section.default, Section):
            for key, field in type(section.default).model_fields.items():
                assert field.description, key
                assert any(line.startswith(f"{key} = ") and field.description in line for line in lines), key


def test_an_empty_recipe_is_the_defaults(recipe_file):
    assert load_recipe(recipe_file("")) == Recipe()


@pytest.mark.parametrize("name", ["paper", "quick"])
def test_shipped_recipes_load_by_name(name):
    assert load_recipe(name) == load_recipe(shipped_recipes()[name])
    assert load_recipe(name).name == name


@pytest.mark.parametrize("path", shipped_recipes().values(), ids=shipped_recipes())
def test_every_shipped_recipe_is_valid_and_starts_with_what_it_is_for(path):
    load_recipe(path)
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("clip.frames=8", "clip", "frames", 8),
        ("optimizer.learning_rate = 1e-3", "optimizer", "learning_rate", 1e-3),
        ("start.partial=true", "start", "partial", True),
        ("model.backbone=resnet50", "model", "backbone", "resnet50"),
        ("model.split=3/1", "model", "split", "3/1"),
        ("data.root=C:\\videos\\new clips", "data", "root", "C:\\videos\\new clips"),
        ("data.root='with = sign'", "data", "root", "with = sign"),
        ("start.weights=", "start", "weights", ""),
        ("schedule.milestones=[3, 5]", "schedule", "milestones", (3, 5)),
    ],
)
def test_an_override_changes_one_value(recipe_file, override, section, key, value):
    changed = load_recipe(recipe_file(""), [override])
    assert getattr(getattr(changed, section), key) == value
    restored = getattr(changed, section).model_copy(update={key: getattr(getattr(Recipe(), section), key)})
    assert changed.model_copy(update={section: restored}) == Recipe()


def test_the_last_override_wins_and_the_file_s_other_values_stay(recipe_file):
    recipe = load_recipe(recipe_file("[clip]\nframes = 4\ninterval = 3"), ["clip.frames=5", "clip.frames=6"])
    assert (recipe.clip.frames, recipe.clip.interval) == (6, 3)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("clip.frame = 8", "clip.frames"),
        ("optimizer.lr = 0.1", "optimizer.learning_rate"),
        ("training.batchsize = 8", "training.batch_size"),
        ("model.alpha = 0.5", "objective.alpha"),
        ("backbone = 'resnet18'", "model.backbone"),
        ("modle.backbone = 'resnet18'", "model"),
    ],
)
def test_an_unknown_key_comes_with_the_nearest(recipe_file, key, nearest):
    path = recipe_file(key)
    unknown = key.split(" ")[0].replace("modle.backbone", "modle")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert str(caught.value) == f"recipe {path}: unknown key {unknown!r}; did you mean {nearest!r}?"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("clip.frames = 'eight'", "clip.frames = 'eight': input should be a valid integer"),
        ("clip.frames = 8.5", "clip.frames = 8.5: input should be a valid integer"),
        ("clip.frames = 0", "clip.frames = 0: input should be greater than or equal to 1"),
        ("data.root = 3", "data.root = 3: input should be a valid string"),
        ("model.backbone = 'vgg16'", "model.backbone = 'vgg16': input should be 'resnet18', "),
        ("model = 3", "model is a section of keys, not a single value"),
        ("model.width = 0.5", "model: width 0.5 needs backbone mobilenet_v2, not resnet18"),
        ("objective.alpha = -0.1", "objective.alpha = -0.1: input should be greater than or equal to 0"),
        ("optimizer.learning_rate = nan", "optimizer.learning_rate = nan: input should be a finite number"),
        ("optimizer.learning_rate = inf", "optimizer.learning_rate = inf: input should be a finite number"),
        ("start.std = [0.2, 0.0, 0.2]", "start.std.1 = 0.0: input should be greater than 0"),
        ("start.mean = [0.5, 0.5]", "start.mean.2: field required"),
        ("augmentation.scales = []", "augmentation.scales: "),
        ("augmentation.scales = [1.0, 0.0]", "augmentation.scales.1 = 0.0: input should be greater than 0"),
        ("augmentation.scales = [2.0]", "augmentation.scales.0 = 2.0: input should be less than or equal to 1"),
        ("schedule.milestones = [5, 3]", "schedule: milestones [5, 3] must rise"),
        ("schedule.milestones = [0, 3]", "schedule.milestones.0 = 0: input should be greater than 0"),
        ("name = 'a/b'", "name = 'a/b': "),
        ("name = ''", "name = '': "),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_cause(recipe_file, line, problem):
    path = recipe_file(line)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"recipe {path}: {problem}")


def test_frames_in_memory_and_workers_exclude_each_other():
    with pytest.raises(RecipeError, match=r"^recipe form: data\.cache = 'memory' needs training\.workers = 0"):
        validate_recipe({"data": {"cache": "memory"}, "training": {"workers": 2}}, "form")
    recipe = Recipe(data=DataSection(cache="memory"), training=TrainingSection(workers=0))
    assert validate_recipe(recipe.model_dump(), "form") == recipe


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("clip.frames", "override 'clip.frames': write it as section.key=value"),
        ("name.first=x", "override 'name.first=x': 'name' is not a section"),
    ],
)
def test_an_override_of_another_form_is_refused(recipe_file, override, problem):
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe_file("name = 'run'"), [override])
    assert str(caught.value) == problem


def test_toml_with_an_error_is_named_with_its_line(recipe_file):
    path = recipe_file("[clip]\nframes = = 3\n")
    with pytest.raises(RecipeError, match=r"recipe\.toml: not valid TOML, .*line 2"):
        load_recipe(path)


def test_a_missing_recipe_lists_the_shipped_ones(tmp_path):
    with pytest.raises(RecipeError, match=r"there is no such file, nor a shipped recipe of that name \(.*paper.*quick"):
        load_recipe(tmp_path / "missing.toml")


def test_a_folder_and_a_binary_file_are_no_recipes(tmp_path):
    with pytest.raises(RecipeError, match=r"^recipe .*: \w"):
        load_recipe(tmp_path)
    (tmp_path / "video.toml").write_bytes(b"\x00\xff\xfe")
    with pytest.raises(RecipeError, match="it is not a text file in UTF-8"):
        load_recipe(tmp_path / "video.toml")


def test_a_recipe_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        Recipe().clip.frames = 3  # type: ignore[misc]


def test_a_dump_is_plain_toml():
    assert tomllib.loads(dump_recipe(Recipe()))["clip"]["frames"] == 16


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (
            {"model": {"variant": "tmnet-3d-a", "backbone": "resnet18"}},
            "model: resnet18 ends with 512 channels and slowonly_r50 with 2048, but RB and CB share one classifier",
        ),
        (
            {"model": {"variant": "tmnet-3d-b", "backbone": "resnet50"}},
            "model: up to split 2/2 slowonly_r50 sees one frame at a time, so that this tmnet-3d-b is a tmnet-3d-a",
        ),
        (
            {"model": {"variant": "r3d-18"}, "clip": {"frames": 4}},
            "clip.frames = 4 is shorter than the temporal stride of r3d-18, 8 frames",
        ),
        (
            {"model": {"variant": "c3d"}},
            "c3d needs clip.frames = 16 and clip.size = 112, for which its fully",
        ),
    ],
)
def test_a_network_that_cannot_be_is_refused_before_any_data_is_read(values, problem):
    with pytest.raises(RecipeError) as caught:
        validate_recipe(values, "form")
    assert str(caught.value).startswith(f"recipe form: {problem}")
