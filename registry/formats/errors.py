"""The one exception that the format and pickle kernels let out."""


class MalformedFile(ValueError):
    """The bytes are not what they claim to be.

    `reason` is a stable snake-case code for programs and translations; the message is an English sentence for people.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type["MalformedFile"], tuple[str, str]]:
        return (MalformedFile, (self.reason, self.message))
