from . import finance_connection
from . import finance_adapter_afnor
from . import account_move
from . import res_partner
from . import res_company
from . import account_edi_xml_ubl_fr
from . import finance_einvoice_regime_fr
