"""The providers the sandbox plays. A new one is a file here and a line in this tuple."""

from .afnor import AfnorFlow
from .reference import Reference

PROVIDERS = (AfnorFlow, Reference)
