"""Three companies of one invented group: France, Germany, United States. Numbers have valid check digits."""

FR, DE, US = "FR", "DE", "US"

COMPANIES = {
    FR: {
        "name": "Clairval Distribution SAS",
        "chart": "fr",
        "currency": "EUR",
        "partner": {
            "street": "12 rue des Tanneurs",
            "zip": "69002",
            "city": "Lyon",
            "country": "FR",
            "vat": "FR29843210659",
            "company_registry": "84321065900010",
            "phone": "+33 4 00 00 00 00",
            "email": "accounts@clairval.example",
        },
    },
    DE: {
        "name": "Clairval Vertrieb GmbH",
        "chart": "de_skr03",
        "currency": "EUR",
        "partner": {
            "street": "Lagerstraße 4",
            "zip": "20357",
            "city": "Hamburg",
            "country": "DE",
            "vat": "DE812345673",
            "email": "accounts@clairval-vertrieb.example",
        },
    },
    US: {
        "name": "Clairval Supply Inc.",
        "chart": "us",
        "currency": "USD",
        "partner": {
            "street": "400 Harbor Street",
            "zip": "77002",
            "city": "Houston",
            "country": "US",
            "state": "TX",
            "email": "accounts@clairval-supply.example",
        },
    },
}

CUSTOMERS = {
    "librairie": {
        "name": "Librairie du Canal SARL",
        "street": "3 quai Saint-Vincent",
        "zip": "69001",
        "city": "Lyon",
        "country": "FR",
        "vat": "FR23917283640",
        "company_registry": "91728364000014",
    },
    "ateliers": {
        "name": "Ateliers Montbrun SAS",
        "street": "27 avenue Jean Jaurès",
        "zip": "31000",
        "city": "Toulouse",
        "country": "FR",
        "vat": "FR54805123973",
        "company_registry": "80512397300010",
    },
    "hotel": {
        "name": "Hôtel des Remparts SAS",
        "street": "8 place du Marché",
        "zip": "35400",
        "city": "Saint-Malo",
        "country": "FR",
        "vat": "FR94789456126",
        "company_registry": "78945612600018",
    },
    "buchhaus": {
        "name": "Buchhaus Elbe GmbH",
        "street": "Deichstraße 19",
        "zip": "20459",
        "city": "Hamburg",
        "country": "DE",
        "vat": "DE298765435",
    },
    "lakeside": {
        "name": "Lakeside Retail LLC",
        "street": "15 Shoreline Drive",
        "zip": "78701",
        "email": "payables@lakeside.example",
        "city": "Austin",
        "country": "US",
        "state": "TX",
    },
    "cascade": {
        "name": "Cascade Outfitters LLC",
        "street": "900 Pine Avenue",
        "zip": "97201",
        "email": "payables@cascade.example",
        "city": "Portland",
        "country": "US",
        "state": "OR",
    },
}

#: code → (name, price, type, tax category of the engine)
PRODUCTS = {
    "SHELF": ("Steel shelf", 240.0, "consu", "standard"),
    "BOOK": ("Handbook of warehousing", 39.0, "consu", "books"),
    "FOOD": ("Coffee beans, 1 kg", 18.5, "consu", "food"),
    "SETUP": ("Installation, per hour", 75.0, "service", "standard"),
}
