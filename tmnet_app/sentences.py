"""Words for a person."""


def sentence(text: object) -> str:
    """Return what an error says as a sentence: with a capital letter and a full stop."""
    words = str(text)
    words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "?", "!")) else f"{words}."
