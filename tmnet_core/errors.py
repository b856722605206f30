"""What a person can get wrong. Each message is one sentence that names the thing and the cause."""


class TMNetError(Exception):
    """The base of all errors that are shown to a person as their message, without a traceback."""


class CheckpointError(TMNetError):
    """A checkpoint or a weight file cannot be used."""


class RecipeError(TMNetError):
    """A recipe or one of its values cannot be used."""


class DataError(TMNetError):
    """A data set cannot be used."""


class SourceError(TMNetError):
    """A video, a camera or another source of frames cannot be opened or read."""


class SourceLostError(SourceError):
    """A source that was there gives nothing any more; opened again, it may."""


class EngineError(TMNetError):
    """An engine cannot run here, or a network cannot be exported."""


class DeviceMemoryError(EngineError):
    """The memory of a GPU does not suffice; another device may do."""
