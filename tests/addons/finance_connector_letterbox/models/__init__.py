from . import finance_adapter_letterbox, finance_finding, finance_inbound, res_partner
