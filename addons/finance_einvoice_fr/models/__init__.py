from . import account_move
from . import res_partner
from . import res_company
from . import finance_mapping
from . import account_edi_xml_ubl_fr
from . import finance_einvoice_rules_ubl
from . import finance_einvoice_regime_fr
from . import finance_finding
