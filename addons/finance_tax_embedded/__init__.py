from . import models, wizards
from .hooks import load_rule_book
