"""Looks at what is deployed before anybody deploys it: ``make check-deploy``."""
