"""Words for a person."""


def sentence(text: object) -> str:
    """Return what an error says as a sentence: with a full stop, and a capital letter unless a name comes first."""
    words = str(text)
    # Files and addresses are called what they are called.
    if words.partition(" ")[0].isalpha():
        words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "?", "!")) else f"{words}."
