from . import finance_connection
from . import finance_einvoice_fake
