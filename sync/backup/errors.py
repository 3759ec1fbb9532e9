"""What can be wrong with a backup or with the place it is to go to, in words for the one at the keyboard."""


class BackupError(Exception):
    """Base of all; the text is the whole message."""


class Damaged(BackupError):
    """The backup's files are not what they were when they were written. Nothing was restored."""


class NotEmpty(BackupError):
    """The store has documents already, and nobody said that the backup may be merged into them."""


class Busy(BackupError):
    """Another backup writes into the folder."""


class NotEqual(BackupError):
    """What the store holds after restoring is not what the backup holds."""


class Incomplete(BackupError):
    """Some databases could not be read; the backup has the others."""
