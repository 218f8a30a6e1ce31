"""Signed bundles: what the province decides (policy, trust, keys), proven before it is believed."""
