from . import models
from .install import uninstall_hook
