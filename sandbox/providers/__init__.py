"""The providers the sandbox plays. A new one is a file here and a line in this tuple."""

from .afnor import AfnorFlow
from .hmrc import Hmrc
from .reference import Reference
from .vies import Vies

PROVIDERS = (AfnorFlow, Reference, Vies, Hmrc)
