"""One screen to take a picture of."""

from fnmatch import fnmatch
from typing import NamedTuple


class Screen(NamedTuple):
    """A screen as a role sees it; each tab and each click makes a further picture of the same record."""

    name: str
    role: str
    #: Below /odoo.
    path: str
    #: Names of the pages of the form's notebook, one picture each.
    tabs: tuple[str, ...] = ()
    #: Selectors clicked one after the other before the picture, such as a button that opens a dialog.
    clicks: tuple[str, ...] = ()

    def names(self):
        """Return the name of each picture."""
        return [self.name, *(f"{self.name}-{tab}" for tab in self.tabs)]


class Choice(NamedTuple):
    """Which pictures are taken: name patterns, languages, sizes; empty for all."""

    only: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()

    def has_name(self, name):
        """Return whether a picture of this name is wanted."""
        return not self.only or any(fnmatch(name, pattern) for pattern in self.only)

    def has_screen(self, screen):
        """Return whether a picture of this screen is wanted."""
        return any(self.has_name(name) for name in screen.names())

    def has_variant(self, language, size):
        """Return whether pictures in this language and size are wanted."""
        return (not self.languages or language[:2] in self.languages) and (
            not self.sizes or size in self.sizes
        )
