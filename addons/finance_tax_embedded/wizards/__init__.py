from . import finance_tax_try
