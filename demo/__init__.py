"""The sample distributor: three invented companies, their customers, products, users and invoices."""
