from . import account_move_send_wizard
from . import base_partner_merge
