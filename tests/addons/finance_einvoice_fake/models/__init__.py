from . import account_move
from . import finance_connection
from . import finance_einvoice_fake
from . import finance_mapping
