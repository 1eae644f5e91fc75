"""Signing in at somebody who says who people are: OpenID Connect, the authorization code flow."""
