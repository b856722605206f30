from typing import Any, get_args

import pytest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox, QWidget

from tmnet_app.training.advanced_form import AdvancedForm
from tmnet_app.training.draft import RecipeDraft
from tmnet_app.training.fields import recipe_fields

# What is typed into a line, and what the recipe then says; every other kind of value can be changed by rule.
TYPED: dict[type, tuple[str, Any]] = {
    float: ("0.625", 0.625),
    str: ("wave x", "wave x"),
    tuple: ("0.75, 0.5, 0.25", None),
}


@pytest.fixture
def form(qtbot) -> AdvancedForm:
    form = AdvancedForm(RecipeDraft("paper"))
    qtbot.addWidget(form)
    form.resize(600, 800)
    form.show()
    return form


def shown(control: QWidget) -> object:
    match control:
        case QLineEdit():
            return control.text()
        case QSpinBox():
            return control.value()
        case QCheckBox():
            return control.isChecked()
        case QComboBox():
            return control.currentText()
    raise AssertionError(control)


def change(qtbot, form: AdvancedForm, key: str) -> Any:
    """Change a value by its editor, as a person does; returns what the recipe should say then."""
    control = form.rows[key].editor.control
    value = form._draft.value(key)
    match control:
        case QCheckBox():
            control.click()
            return not value
        case QComboBox():
            values = get_args(recipe_fields()[key].annotation)
            other = next(each for each in values if each != value)
            control.setCurrentIndex(values.index(other))
            control.activated.emit(values.index(other))
            return other
        case QSpinBox():
            control.setValue(value + 1 if value < control.maximum() else value - 1)
            return control.value()
        case QLineEdit():
            text = {"schedule.milestones": "10, 20, 30"}.get(key, TYPED[type(value)][0])
            control.setFocus()
            control.selectAll()
            qtbot.keyClicks(control, text)
            typed = TYPED[type(value)][1]
            return typed if typed is not None else tuple(float(part) for part in text.split(","))
    raise AssertionError(control)


def test_form_and_recipe_say_the_same_for_every_field(qtbot, form: AdvancedForm) -> None:
    draft = form._draft
    other = AdvancedForm(RecipeDraft("paper"))
    qtbot.addWidget(other)
    for key, row in form.rows.items():
        before = draft.value(key)
        expected = change(qtbot, form, key)
        assert draft.value(key) == expected != before, key
        assert draft.changed_keys() == [key]
        assert row.reset.isVisibleTo(form), key
        # And the other way: what a draft is told is what its form shows.
        other._draft.set_value(key, expected)
        assert shown(other.rows[key].editor.control) == shown(row.editor.control), key
        row.reset.click()
        assert draft.value(key) == before, key
        assert not row.reset.isVisibleTo(form), key
    assert draft.changed_keys() == []


def test_a_wrong_value_is_told_at_the_field(qtbot, form: AdvancedForm) -> None:
    row = form.rows["optimizer.learning_rate"]
    row.editor.control.selectAll()
    qtbot.keyClicks(row.editor.control, "fast")
    assert row.problem.isVisible()
    assert row.problem.text() == "Write a number, such as 0.01 or 1e-3."
    row.editor.control.selectAll()
    qtbot.keyClicks(row.editor.control, "1e-3")
    assert not row.problem.isVisible()
    assert form._draft.recipe.optimizer.learning_rate == 0.001


def test_search_finds_words_of_name_and_explanation(form: AdvancedForm) -> None:
    form.search.setText("learning RATE classifier")
    assert [key for key, row in form.rows.items() if row.isVisibleTo(form)] == ["optimizer.classifier_factor"]
    form.search.setText("no such thing")
    assert form._nothing.isVisible()
    form.search.clear()
    form._draft.set_value("clip.frames", 4)
    form.only_changed.setChecked(True)
    assert [key for key, row in form.rows.items() if row.isVisibleTo(form)] == ["clip.frames"]


def test_everything_explains_itself(form: AdvancedForm) -> None:
    for key, row in form.rows.items():
        assert key in row.editor.control.toolTip()
        assert row.editor.control.accessibleName()
    assert "At least 1" in form.rows["clip.frames"].editor.control.toolTip()
