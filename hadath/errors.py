"""The one error root: every message names the place, what was found there and how to mend it."""


class HadathError(ValueError):
    """Something the user can mend: a file, a setting, a model or a request that does not fit."""
