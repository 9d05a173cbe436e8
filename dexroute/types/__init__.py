"""Values: mints, amounts, accounts, requests, routes, orders."""
