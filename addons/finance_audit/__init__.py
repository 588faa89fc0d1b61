from . import controllers
from . import models
from . import wizards
from .install import uninstall_hook
