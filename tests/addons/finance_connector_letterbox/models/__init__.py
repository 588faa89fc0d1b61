from . import finance_adapter_letterbox
