"""An engine that is not there: most sites of the tests render nothing, and need not load what renders."""


def open_engine() -> None:
    return None
